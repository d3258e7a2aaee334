import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { BOUNDS } from '../../runtime/config/bounds.ts'
import { suiteDirectory } from '../support/temporary-directory.ts'
import { TestNode } from '../support/test-node.ts'
import { until } from '../support/until.ts'

/** What the pools promise about jobs that fail, follow each other, or take their thread along. */
const HANDLERS = fileURLToPath(new URL('../support/handlers', import.meta.url))

const directory = suiteDirectory()
let node: TestNode

beforeAll(async () => {
  node = await TestNode.start(directory, ['--handlers-directory', HANDLERS])
})

afterAll(() => node.stop())

async function accepted(body: object): Promise<string> {
  const reply = await node.post(body)
  expect(reply.json).toMatchObject({ status: 'accepted' })
  return String(reply.json.id)
}

test('/inspect shows every bound', async () => {
  expect((await node.inspect()).bounds).toEqual(BOUNDS)
})

test('jobs of one key run in order, one at a time, also when some of them have to be retried', async () => {
  const keys = ['red', 'green', 'blue']
  const ids = new Map<string, string[]>(keys.map((key) => [key, []]))
  for (let n = 0; n < 30; n++)
    for (const key of keys) {
      const failures = n % 7 === 3 ? 1 : 0
      const payload = { n, failures, for: key }
      ids.get(key)?.push(await accepted({ kind: 'test.keyed', orderingKey: key, payload }))
    }
  for (const [key, inOrder] of ids) {
    const jobs = await Promise.all(inOrder.map((id) => node.settled(id)))
    const runs = jobs.map(({ result, updatedAt }) => ({
      ...(result as { n: number; startedAtMs: number }),
      storedAtMs: Date.parse(String(updatedAt)),
    }))
    expect(runs.map(({ n }) => n)).toEqual(inOrder.map((_, n) => n))
    const overtaken = runs.filter((run, i) => i > 0 && run.startedAtMs < (runs[i - 1]?.storedAtMs ?? 0))
    expect(overtaken, `key ${key}`).toEqual([])
  }
})

test('a job that fails for ever is dead after its attempts, with its error and history, and its followers run', async () => {
  const dead = await accepted({
    kind: 'test.keyed',
    orderingKey: 'stuck',
    payload: { n: 0, failures: 9, for: 'dead' },
  })
  const next = await accepted({
    kind: 'test.keyed',
    orderingKey: 'stuck',
    payload: { n: 1, failures: 0, for: 'dead' },
  })
  const view = await node.settled(dead)
  expect(view).toMatchObject({
    status: 'dead',
    attempt: 4,
    error: { code: 'handler-error', message: 'told to fail attempt 4' },
  })
  const history = (view.history as { status: string }[]).map(({ status }) => status)
  expect(history).toEqual(['accepted', 'retry', 'running', 'retry', 'running', 'retry', 'running', 'dead'])
  expect(await node.settled(next)).toMatchObject({ status: 'done' })
})

test('a job that ends its thread is dead by its own fault, and those beside it are done', async () => {
  const innocents = await Promise.all(
    Array.from({ length: 40 }, (_, n) => accepted({ kind: 'test.waiting', payload: { n, ms: 50 } })),
  )
  const poison = await accepted({ kind: 'test.exiting', payload: { n: 0 } })
  expect(await node.settled(poison)).toMatchObject({
    status: 'dead',
    attempt: 2,
    error: { code: 'thread-lost' },
  })
  for (const id of innocents) expect(await node.settled(id)).toMatchObject({ status: 'done', attempt: 1 })
})

test('a row that the database refuses costs its own job only', async () => {
  const good = await Promise.all(
    [1, 2, 3].map((n) => accepted({ kind: 'test.number', payload: { n, big: n } })),
  )
  const bad = await accepted({ kind: 'test.number', payload: { n: 4, big: 2 ** 40 } })
  expect(await node.settled(bad)).toMatchObject({ status: 'dead' })
  for (const id of good) expect(await node.settled(id)).toMatchObject({ status: 'done' })
})

test('a running job is shown as running', async () => {
  const id = await accepted({ kind: 'test.waiting', payload: { n: -1, ms: 400 } })
  const running = await until(async () => {
    const { json } = await node.get(`/v1/jobs/${id}`)
    return json.status === 'running' && json
  }, 'the job runs')
  expect(running).toMatchObject({ id, kind: 'test.waiting', tier: 'normal', attempt: 1 })
  await node.settled(id)
})

test('afterwards nothing is left behind', async () => {
  await until(async () => (await node.metric('spillway_lane_lag_jobs{lane="pool-a.normal"}')) === 0, 'no lag')
  expect(await node.metric('spillway_dead_letters_total')).toBe(0)
})

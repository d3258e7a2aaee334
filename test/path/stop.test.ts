import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { DEVELOPMENT_KEY } from '../../actors/admission/authenticate.ts'
import { call, keepAlive } from '../support/http-client.ts'
import type { NodeClient } from '../support/node-client.ts'
import { startNodeProcess } from '../support/spillway-process.ts'
import { suiteDirectory } from '../support/temporary-directory.ts'
import { TestNode } from '../support/test-node.ts'
import { until } from '../support/until.ts'

const HANDLERS = fileURLToPath(new URL('../support/handlers', import.meta.url))
const FLAGS = ['--handlers-directory', HANDLERS]
const ONE_AT_A_TIME = [...FLAGS, '--pools-a-threads', '1', '--pools-a-concurrency', '1']

/** Slack of a busy machine, beyond the time that a stop may take. */
const SLACK_MS = 2_000

const directory = suiteDirectory()
/** No job is another's duplicate. */
let n = 0

const statusOf = async (node: NodeClient, id: string) => (await node.get(`/v1/jobs/${id}`)).json

async function startWaiting(node: NodeClient, ms: number): Promise<string> {
  const { json } = await node.post({ kind: 'test.waiting', payload: { n: ++n, ms } })
  const id = String(json.id)
  await until(async () => (await statusOf(node, id)).status === 'running', 'the job runs')
  return id
}

test('a stop ends at its deadline, whatever is under way, says that it was cut, and the job runs after the next start', async () => {
  const flags = [...FLAGS, '--node-drain-timeout-ms', '500']
  const first = await TestNode.start(directory, flags)
  const id = await startWaiting(first, 3_000)
  const startedAt = performance.now()
  expect(await first.node.stop()).toBe('cut')
  expect(performance.now() - startedAt).toBeLessThan(500 + SLACK_MS)

  const second = await TestNode.start(directory, flags)
  expect(await second.settled(id)).toMatchObject({ status: 'done', attempt: 1 })
  expect(await second.node.stop()).toBe('drained')
})

test('a stop is seen: unready at once, its step in the tree, refusals on open connections; what runs is finished and kept', async () => {
  const first = await TestNode.start(directory, FLAGS)
  const agent = keepAlive()
  const headers = { authorization: `Bearer ${DEVELOPMENT_KEY}` }
  await call(first.ports.http, { path: '/v1/jobs/none', headers, agent })
  const id = await startWaiting(first, 1_000)

  const stopped = first.node.stop()
  const { status, json } = await call(first.ports.operations, { path: '/readyz' })
  expect([status, json.ready]).toEqual([503, false])
  const drain = async () => {
    const { tree } = (await first.inspect()) as { tree: { children: { path: string }[] } }
    return tree.children.find(({ path }) => path === '/node/drain') as unknown as { steps: unknown[] }
  }
  const ingress = async () => {
    const [, second] = (await drain()).steps as { parts: Record<string, string> }[]
    return second?.parts['/node/absorber/ingress']
  }
  await until(async () => (await ingress()) === 'done', 'the ingress is done, in the second step')
  expect(await drain()).toMatchObject({
    steps: [
      { step: 'take nothing new', ms: expect.any(Number) },
      { parts: { '/node/absorber/ingress': 'done', '/node/pools/pool-a/pool': 'running' } },
    ],
  })
  const refused = await call(first.ports.http, { path: `/v1/jobs/${id}`, headers, agent })
  expect(refused).toMatchObject({ status: 503, json: { code: 'draining' } })
  expect(refused.headers).toMatchObject({ connection: 'close', 'retry-after': '1' })
  await expect(call(first.ports.http, { path: `/v1/jobs/${id}`, headers })).rejects.toMatchObject({
    code: 'ECONNREFUSED',
  })
  expect(await stopped).toBe('drained')

  const second = await TestNode.start(directory, FLAGS)
  onTestFinished(() => second.stop())
  expect(await statusOf(second, id)).toMatchObject({ status: 'done', attempt: 1 })
})

/** A job whose second attempt is claimed from the job table and waits behind one that runs. */
async function claimedAndWaiting(node: NodeClient): Promise<string> {
  const payload = { n: ++n, failures: 1, for: 'stop' }
  const { json } = await node.post({ kind: 'test.keyed', orderingKey: 'k', payload })
  await startWaiting(node, 3_000)
  const id = String(json.id)
  await until(async () => {
    const { status, attempt } = await statusOf(node, id)
    return status === 'running' && attempt === 2
  }, 'the second attempt is claimed')
  return id
}

test('a claimed job that was not begun is handed back: the next start does not wait for its lease, its attempt is not spent', async () => {
  const first = await TestNode.start(directory, ONE_AT_A_TIME)
  const id = await claimedAndWaiting(first)
  expect(await first.node.stop()).toBe('drained')

  const second = await TestNode.start(directory, ONE_AT_A_TIME)
  onTestFinished(() => second.stop())
  expect(await second.settled(id)).toMatchObject({ status: 'done', attempt: 2 })
})

test('a job that was claimed when its process was killed does not wait for its lease either; it was not alone, so its attempt is not spent', async () => {
  const { process, client } = await startNodeProcess(directory, ONE_AT_A_TIME, onTestFinished)
  const id = await claimedAndWaiting(client)
  process.signal('SIGKILL')
  await process.ended

  const second = await TestNode.start(directory, ONE_AT_A_TIME)
  onTestFinished(() => second.stop())
  expect(await second.settled(id)).toMatchObject({ status: 'done', attempt: 2 })
})

test('a node whose pool is in a crash loop stops in its time', async () => {
  const flags = [...FLAGS, '--node-drain-timeout-ms', '2000']
  const node = await TestNode.start(directory, flags)
  for (let i = 0; i < 50; i++) await node.post({ kind: 'test.exiting', payload: { n: ++n } })
  const restarts = async () => JSON.stringify(await node.inspect()).match(/"restarts":[1-9]/)
  await until(restarts, 'the first restart')
  const startedAt = performance.now()
  await node.node.stop()
  expect(performance.now() - startedAt).toBeLessThan(2_000 + SLACK_MS)
})

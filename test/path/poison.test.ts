import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { BOUNDS } from '../../runtime/config/bounds.ts'
import type { NodeClient } from '../support/node-client.ts'
import { startNodeProcess } from '../support/spillway-process.ts'
import { suiteDirectory } from '../support/temporary-directory.ts'
import { TestNode } from '../support/test-node.ts'

/** Poison among good jobs: jobs that end their thread, and jobs that end the process. */
const HANDLERS = fileURLToPath(new URL('../support/handlers', import.meta.url))
const FLAGS = ['--handlers-directory', HANDLERS]
/** As the handler has it. */
const ATTEMPTS_MAX = 2

/**
 * Of the process, by one job that ends it in each run: the life in which it came, two that begin with it, and its attempts
 * alone, in the first of which the third assignment without progress has sent it into quarantine.
 */
const DEATHS = BOUNDS.consumer.assignedMax + ATTEMPTS_MAX

const directory = suiteDirectory()
const otherDirectory = suiteDirectory()

/** In one request, so that the poison is not long over when the last of them comes; their ids. */
async function accepted(node: NodeClient, jobs: readonly object[]): Promise<string[]> {
  const lines = jobs.map((job) => JSON.stringify(job)).join('\n')
  const headers = { 'content-type': 'application/x-ndjson' }
  const { text } = await node.post(lines, headers, '/v1/jobs/batch')
  const verdicts = text.trim().split('\n')
  const ids = verdicts.map((line) => String(JSON.parse(line).id))
  expect(ids).toHaveLength(jobs.length)
  return ids
}

const poison = (n: number, how: string) => ({ kind: 'test.poison', payload: { n, how } })
const good = (n: number) => ({ kind: 'test.waiting', payload: { n, ms: n % 20 } })
const keyed = (n: number, failures: number) => ({
  kind: 'test.keyed',
  orderingKey: `key-${n % 3}`,
  payload: { n, failures, for: 'poison' },
})

interface Supervised {
  path: string
  incarnation: number
  children?: Supervised[]
}

function find(tree: Supervised, path: string): Supervised | undefined {
  if (tree.path === path) return tree
  return tree.children?.map((child) => find(child, path)).find((found) => found !== undefined)
}

test('jobs that end their threads are dead with their reasons, all others done and not charged, and no budget is spent', async () => {
  const node = await TestNode.start(directory, FLAGS)
  onTestFinished(() => node.stop())
  const hows = ['throw', 'exit', 'loop', 'heap', 'throw', 'exit']
  const howOf = (n: number) => (n % 50 === 25 ? hows[(n - 25) / 50] : undefined)
  const jobs = Array.from({ length: 300 }, (_, n) => {
    const how = howOf(n)
    return how ? poison(n, how) : n % 10 === 0 ? keyed(n, 0) : good(n)
  })
  const ids = await accepted(node, jobs)
  for (const [n, id] of ids.entries()) {
    const how = howOf(n)
    const view = await node.settled(id, 60_000)
    if (!how) expect(view, `job ${n}`).toMatchObject({ status: 'done', attempt: 1 })
    else expect(view, how).toMatchObject({ status: 'dead', attempt: ATTEMPTS_MAX, error: REASONS[how] })
  }
  const { tree } = (await node.inspect()) as unknown as { tree: Supervised }
  for (const path of ['/node/pools/pool-a', '/node/pools/pool-a/threads'])
    expect(find(tree, path)?.incarnation, path).toBe(1)
}, 120_000)

const reason = (text: string) => ({ code: 'thread-lost', message: expect.stringContaining(text) })
const REASONS: Readonly<Record<string, object>> = {
  throw: reason('thrown out of a timer'),
  exit: reason('exited with code'),
  loop: reason('unresponsive'),
  heap: reason('oom'),
}

test('a job that ends the process is dead after some deaths of the node, and all others are done, not charged, in order', async () => {
  const { process, client } = await startNodeProcess(otherDirectory, FLAGS, onTestFinished)
  // A warm node, and rows that wait in the job table when it dies.
  await Promise.all((await accepted(client, [good(1)])).map((id) => client.settled(id)))
  const jobs = [
    ...Array.from({ length: 6 }, (_, n) => keyed(n, n < 3 ? 1 : 0)),
    poison(0, 'process'),
    ...Array.from({ length: 60 }, (_, n) => good(1_000 + n)),
    ...Array.from({ length: 12 }, (_, n) => keyed(100 + n, n < 3 ? 1 : 0)),
  ]
  const ids = await accepted(client, jobs)
  /** Of all jobs when they are settled; undefined when the node dies before. */
  const settledIn = async (life: typeof process, node: NodeClient) => {
    const views = Promise.all(ids.map((id) => node.settled(id, 60_000)))
    return Promise.race([
      views.catch(() => life.ended.then(() => undefined)),
      life.ended.then(() => undefined),
    ])
  }
  let deaths = 0
  let views = await settledIn(process, client)
  while (!views) {
    deaths++
    expect(deaths).toBeLessThanOrEqual(DEATHS)
    const started = await startNodeProcess(otherDirectory, FLAGS, onTestFinished).catch((cause) => {
      // Before it is up: its pools are, and begin with what is in the log.
      expect(String(cause)).toContain('ended with SIGKILL')
    })
    if (started) views = await settledIn(started.process, started.client)
  }
  expect(deaths).toBe(DEATHS)
  check(views)

  function check(views: readonly Record<string, unknown>[]): void {
    for (const [i, job] of jobs.entries()) {
      const view = views[i]
      if (job.kind === 'test.poison')
        expect(view).toMatchObject({
          status: 'dead',
          attempt: ATTEMPTS_MAX,
          error: { code: 'process-lost', message: expect.stringContaining('alone') },
        })
      else {
        const failures = 'failures' in job.payload ? job.payload.failures : 0
        expect(view, JSON.stringify(job)).toMatchObject({ status: 'done', attempt: 1 + failures })
      }
    }
    for (const key of ['key-0', 'key-1', 'key-2']) {
      const runs = jobs.flatMap((job, i) =>
        'orderingKey' in job && job.orderingKey === key ? [views[i]?.result as { startedAtMs: number }] : [],
      )
      const times = runs.map(({ startedAtMs }) => startedAtMs)
      expect(times).toEqual(times.toSorted((a, b) => a - b))
    }
  }
}, 120_000)

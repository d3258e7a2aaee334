import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { DEVELOPMENT_KEY } from '../../actors/admission/authenticate.ts'
import { DataOnDisk } from '../../bench/chaos/data-on-disk.ts'
import { EXIT } from '../../supervisors/exit-codes.ts'
import type { Reply } from '../support/http-client.ts'
import type { NodeClient } from '../support/node-client.ts'
import { RawPost } from '../support/raw-post.ts'
import { type SpillwayProcess, startNodeProcess } from '../support/spillway-process.ts'
import { suiteDirectory } from '../support/temporary-directory.ts'
import { until } from '../support/until.ts'

/**
 * A node in a process of its own that is killed, and asked to stop, while clients send it jobs: what was answered 202 is
 * done in the end, once, and a request without an answer may be sent again. Each test goes on where the one before ended.
 */
const DRAIN_TIMEOUT_MS = 5_000
const CLIENTS = 20

const directory = suiteDirectory()
let node: SpillwayProcess
let client: NodeClient

/** By number of the job: the id that it was accepted under. */
const accepted = new Map<number, string>()

beforeAll(async () => {
  await start()
})

async function start(): Promise<void> {
  const flags = ['--node-drain-timeout-ms', String(DRAIN_TIMEOUT_MS)]
  ;({ process: node, client } = await startNodeProcess(directory, flags, afterAll))
}

const lead = (n: number) => ({
  kind: 'lead.qualify',
  payload: { email: `lead-${n}@example.com`, company: 'Example' },
})

/** Not by its body: that is another job in the next quarter of an hour. */
const keyOf = (n: number) => ({ 'idempotency-key': `lead-${n}` })

function accept(n: number, { status, json, headers }: Reply): void {
  expect(status).toBe(202)
  if (accepted.has(n)) {
    expect(json.id).toBe(accepted.get(n))
    expect(headers['idempotency-replayed']).toBe('true')
  }
  accepted.set(n, String(json.id))
}

/**
 * Posts jobs by several clients at once until all are answered or the node is gone, which is when connections fail;
 * `onAccepted` runs with each 202. Returns the answers that are no 202.
 */
async function send(numbers: Iterable<number>, onAccepted: () => void = () => {}): Promise<Reply[]> {
  const others: Reply[] = []
  const left = numbers[Symbol.iterator]()
  const run = async (): Promise<void> => {
    for (let next = left.next(); !next.done; next = left.next()) {
      const reply = await client
        .post(lead(next.value), keyOf(next.value))
        .catch((error) => error.code as string)
      if (typeof reply === 'string') {
        expect(['ECONNRESET', 'ECONNREFUSED']).toContain(reply)
        return
      }
      if (reply.status === 202) {
        accept(next.value, reply)
        onAccepted()
      } else others.push(reply)
    }
  }
  await Promise.all(Array.from({ length: CLIENTS }, run))
  return others
}

const numbers = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i)

/** Every accepted job is done, in the answers of the running node. */
async function expectAllDone(): Promise<void> {
  const lag = () => client.metric('spillway_lane_lag_jobs{lane="pool-a.normal"}')
  await until(async () => (await lag()) === 0, 'every job of the log is finished')
  const views = await Promise.all([...accepted.values()].map((id) => client.get(`/v1/jobs/${id}`)))
  for (const { json } of views) expect(json).toMatchObject({ status: 'done', attempt: 1 })
}

test('a node that is killed in the middle, and once more after the last 202, loses nothing and does nothing twice', async () => {
  await send(numbers(0, 300), () => {
    if (accepted.size === 150) node.signal('SIGKILL')
  })
  expect(await node.ended).toBe('SIGKILL')
  expect(accepted.size).toBeLessThan(300)

  await start()
  // All of them: those without an answer, for which the node may have a job, and those that were accepted.
  let answered = 0
  const others = await send(numbers(0, 300), () => {
    if (++answered === 300) node.signal('SIGKILL')
  })
  expect(await node.ended).toBe('SIGKILL')
  expect(others).toEqual([])
  expect(accepted.size).toBe(300)

  await start()
  await expectAllDone()
}, 60_000)

test('a node that is told to stop under load answers what it has begun, and keeps what it has accepted', async () => {
  const begun = numbers(1_000, 20).map((n) => {
    const body = JSON.stringify(lead(n))
    const authorization = `Bearer ${DEVELOPMENT_KEY}`
    const headers = { authorization, ...keyOf(n), 'content-length': String(body.length) }
    const post = new RawPost(client.ports.http, headers).send(body.slice(0, -1))
    return { n, lastByte: body.slice(-1), post }
  })
  const inFlight = () => client.metric('spillway_http_requests_in_flight')
  await until(async () => (await inFlight()) === begun.length, 'the node waits for the last byte of each')

  let answered = 0
  const load = send(numbers(2_000, 10_000), () => {
    if (++answered === 200) node.signal('SIGTERM')
  })
  await node.says('SIGTERM: draining')
  const stoppedAt = performance.now()
  for (const { n, lastByte, post } of begun) accept(n, await post.send(lastByte).reply())
  for (const refused of await load) {
    expect(refused).toMatchObject({ status: 503, json: { code: 'draining' } })
    expect(refused.headers).toMatchObject({ 'retry-after': '1' })
  }
  expect(await node.ended).toBe(EXIT.ok)
  expect(performance.now() - stoppedAt).toBeLessThan(DRAIN_TIMEOUT_MS)
  expect(node.stdout).toMatch(/drained and stopped\n$/)
  expect(node.stderr).toBe('')

  await start()
  await expectAllDone()
})

test('in the end each job is once in the job table, and its lead once in its own', async () => {
  node.signal('SIGTERM')
  expect(await node.ended).toBe(EXIT.ok)
  const data = await DataOnDisk.open(directory)
  onTestFinished(() => data.close())
  const jobs = await data.sql.query('select id, state from spillway.jobs')
  const leads = await data.sql.query('select email, job_id from leads')
  expect(leads.map(({ job_id }) => job_id).sort()).toEqual(jobs.map(({ id }) => id).sort())
  for (const { state } of jobs) expect(state).toBe('done')
  const jobOf = new Map(leads.map(({ email, job_id }) => [email, job_id]))
  expect(jobOf.size).toBe(leads.length)
  for (const [n, id] of accepted) expect(jobOf.get(`lead-${n}@example.com`)).toBe(id)
})

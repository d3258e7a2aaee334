import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { decodeEnvelope } from '../../runtime/job/envelope.ts'
import { LANES } from '../../runtime/job/lane.ts'
import { openLmdbLog } from '../../runtime/log/lmdb-log.ts'
import type { DeliveredRecord } from '../../runtime/log/log.ts'
import { openPglite } from '../../runtime/store/open-pglite.ts'
import { PgliteSql } from '../../runtime/store/pglite-sql.ts'
import { suiteDirectory } from '../support/temporary-directory.ts'
import { TestNode } from '../support/test-node.ts'
import { until } from '../support/until.ts'

/**
 * One job of each kind, followed through every stage of the path by the trace that it leaves there: first while the node
 * runs, then, after it has stopped, in what lies on the disk.
 */
const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736'

const JOBS = [
  {
    pool: 'a',
    body: {
      kind: 'lead.qualify',
      tier: 'critical',
      payload: { email: 'ada@example.com', company: 'Example Ltd' },
    },
    result: { grade: expect.any(String), score: expect.any(Number) },
    table: 'leads',
    row: { email: 'ada@example.com', company: 'Example Ltd' },
    storedWithinMs: 2_000,
  },
  {
    pool: 'b',
    body: { kind: 'agent.run', tier: 'normal', payload: { task: 'What is 6 times 7?' } },
    result: { answer: expect.any(String), degraded: false },
    table: 'agent_runs',
    row: { task: 'What is 6 times 7?' },
    storedWithinMs: 15_000,
  },
  {
    pool: 'c',
    body: {
      kind: 'crm.sync',
      tier: 'low',
      payload: { externalId: 'c-1', email: 'ada@example.com', name: 'Ada' },
    },
    result: expect.any(Object),
    table: 'contacts',
    row: { external_id: 'c-1' },
    storedWithinMs: 2_000,
  },
] as const

const directory = suiteDirectory()
let node: TestNode
const ids = new Map<string, string>()

beforeAll(async () => {
  node = await TestNode.start(directory)
})

afterAll(() => node.stop())

test.each(JOBS)('$body.kind is accepted, run on pool $pool, stored, and can be looked up', async (job) => {
  const { pool, body, result, storedWithinMs } = job
  const lane = `pool-${pool}.${body.tier}`

  // Ingress: 202 with an address, in the trace that the client began.
  const reply = await node.post(body, { traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01` })
  const { id, traceId, status, links } = reply.json as unknown as Record<string, string>
  expect([reply.status, status, traceId]).toEqual([202, 'accepted', TRACE_ID])
  expect(reply.headers.location).toBe(`/v1/jobs/${id}`)
  expect(links).toEqual({ self: `/v1/jobs/${id}` })
  ids.set(body.kind, id ?? '')

  // Pool, thread, writer: the outcome is in the job table, with its history, within its time.
  const view = await node.settled(id ?? '', storedWithinMs)
  expect(view).toMatchObject({ id, traceId, kind: body.kind, tier: body.tier, status: 'done', result })
  const history = view.history as { status: string }[]
  expect(history.map((entry) => entry.status)).toEqual(expect.arrayContaining(['accepted', 'done']))
  expect(await node.metric(`spillway_handler_seconds_count{kind="${body.kind}"}`)).toBeGreaterThanOrEqual(1)
  expect(await node.metric(`spillway_jobs_settled_total{pool="${pool}",state="done"}`)).toBe(1)
  expect(await node.metric(`spillway_writer_commits_total{pool="${pool}"}`)).toBeGreaterThanOrEqual(1)

  // Watermark: the offset is committed, nothing is left to do.
  const lag = async () => (await node.metric(`spillway_lane_lag_jobs{lane="${lane}"}`)) === 0
  await until(lag, 'the lag returns to zero')
})

test('another tenant, or nobody, cannot see it', async () => {
  const id = ids.get('lead.qualify') ?? ''
  const unknown = `${id.slice(0, 5)}${'A'.repeat(43)}`
  expect((await node.get(`/v1/jobs/${unknown}`)).json).toMatchObject({ status: 404, code: 'job-not-found' })
})

test('after the node has stopped, log and database hold what they should', async () => {
  await node.stop()

  const log = await openLmdbLog({
    directory: join(directory, 'log'),
    partitions: new Map(LANES.map((lane) => [lane, 4])),
    retention: { ageMs: 3_600_000, bytesMax: 2 ** 30 },
  })
  const records: (DeliveredRecord & { lane: string })[] = []
  const onBatch = (batch: { lane: string; records: readonly DeliveredRecord[] }): void => {
    for (const record of batch.records) records.push({ ...record, lane: batch.lane })
  }
  const consumer = await log.consume({ group: 'test', lanes: LANES, onBatch, onFailure: () => {} })
  await until(() => records.length === JOBS.length, 'the records of the log')
  await consumer.stop()

  const sql = new PgliteSql(await openPglite(join(directory, 'postgres')))
  for (const { body, pool, table, row } of JOBS) {
    const id = ids.get(body.kind) ?? ''
    const record = records.find(({ value }) => decodeEnvelope(value).id === id)
    expect(record?.lane).toBe(`pool-${pool}.${body.tier}`)
    const envelope = decodeEnvelope(record?.value ?? new Uint8Array())
    expect(envelope).toMatchObject({ id, tenant: 'dev', kind: body.kind, tier: body.tier, attempt: 1 })
    expect(JSON.parse(Buffer.from(envelope.body).toString())).toEqual(body)
    expect(envelope.traceparent.slice(3, 35)).toBe(TRACE_ID)
    const rows = await sql.query(`select * from ${table} where job_id = $1`, [id])
    expect(rows).toMatchObject([{ tenant: 'dev', job_id: id, ...row }])
    expect(await sql.query('select state from spillway.jobs where id = $1', [id])).toEqual([
      { state: 'done' },
    ])
  }
  const progress = (
    await Promise.all(['a', 'b', 'c'].map((p) => log.progress(`spillway.pool-${p}`, LANES)))
  ).flat()
  const committed = progress.filter((one) => one.committed > 0)
  expect(committed).toHaveLength(JOBS.length)
  expect(committed.every((one) => one.committed === one.end)).toBe(true)
  await Promise.all([sql.close(), log.close()])
})

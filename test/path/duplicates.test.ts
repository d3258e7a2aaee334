import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { DataOnDisk } from '../../bench/chaos/data-on-disk.ts'
import type { Reply } from '../support/http-client.ts'
import { keysFlags } from '../support/keys-file.ts'
import type { NodeClient } from '../support/node-client.ts'
import { RawPost } from '../support/raw-post.ts'
import { suiteDirectory } from '../support/temporary-directory.ts'
import { TestNode } from '../support/test-node.ts'
import { until } from '../support/until.ts'

/** The same request twice is one job: first by the answers of a whole node, then, after its end, by what is on the disk. */
const directory = suiteDirectory()
let node: TestNode
let acme: NodeClient
let globex: NodeClient
/** Ids of the jobs that should be there at the end. */
const ids: string[] = []

beforeAll(async () => {
  node = await TestNode.start(directory, keysFlags(directory, ['acme', 'globex']))
  acme = node.as('sk-acme')
  globex = node.as('sk-globex')
})

afterAll(() => node.stop())

const lead = (name: string) => ({
  kind: 'lead.qualify',
  payload: { email: `${name}@example.com`, company: name },
})

/** A first answer: its id is one to find at the end. */
function fresh(reply: Reply): Record<string, unknown> {
  expect(reply).toMatchObject({ status: 202, json: { status: 'accepted' } })
  expect(reply.headers).not.toHaveProperty('idempotency-replayed')
  expect(ids).not.toContain(reply.json.id)
  ids.push(String(reply.json.id))
  return reply.json
}

function expectReplay(reply: Reply, first: Record<string, unknown>): void {
  expect(reply).toMatchObject({ status: 202, json: first })
  expect(reply.headers).toMatchObject({ 'idempotency-replayed': 'true', location: `/v1/jobs/${first.id}` })
}

test('the same body again is answered with the first id and trace id, before and after the job is done', async () => {
  const first = fresh(await acme.post(lead('again')))
  expectReplay(await acme.post(lead('again')), first)
  await acme.settled(String(first.id))
  const trace = { traceparent: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01' }
  const replay = await acme.post(lead('again'), trace)
  expectReplay(replay, first)
  // The trace of this request, not of the job.
  expect(replay.headers['x-trace-id']).toBe('4bf92f3577b34da6a3ce929d0e0e4736')
})

test('the same body a hundred times at the same instant is one job, and one answer is not a replay', async () => {
  const body = JSON.stringify(lead('crowd'))
  const headers = { authorization: 'Bearer sk-acme', 'content-length': String(body.length) }
  const posts = Array.from({ length: 100 }, () =>
    new RawPost(node.ports.http, headers).send(body.slice(0, -1)),
  )
  const inFlight = () => node.metric('spillway_http_requests_in_flight')
  await until(async () => (await inFlight()) === posts.length, 'all are there but for their last byte')
  for (const post of posts) post.send(body.slice(-1))
  const replies = await Promise.all(posts.map((post) => post.reply()))

  const originals = replies.filter(({ headers }) => headers['idempotency-replayed'] === undefined)
  expect(originals).toHaveLength(1)
  const first = fresh(originals[0]!)
  for (const reply of replies) if (reply !== originals[0]) expectReplay(reply, first)
})

test('an Idempotency-Key makes it the same job, and another body under it is refused', async () => {
  const key = { 'idempotency-key': 'order-1' }
  const first = fresh(await acme.post(lead('keyed'), key))
  expectReplay(await acme.post(lead('keyed'), key), first)
  expect(await acme.post(lead('other'), key)).toMatchObject({
    status: 422,
    json: { code: 'idempotency-key-reused', status: 422 },
  })
  // The refusal has changed nothing, another key is another job, and so is none.
  expectReplay(await acme.post(lead('keyed'), key), first)
  fresh(await acme.post(lead('keyed'), { 'idempotency-key': 'order-2' }))
  fresh(await acme.post(lead('keyed')))
})

test('an Idempotency-Key a hundred times at the same instant with two bodies is one job of one of them', async () => {
  const key = { 'idempotency-key': 'order-3' }
  const replies = await Promise.all(
    Array.from({ length: 100 }, (_, n) => acme.post(lead(n % 2 === 0 ? 'even' : 'odd'), key)),
  )
  const accepted = replies.filter(({ status }) => status === 202)
  const originals = accepted.filter(({ headers }) => headers['idempotency-replayed'] === undefined)
  expect(originals).toHaveLength(1)
  const first = fresh(originals[0]!)
  for (const reply of accepted) if (reply !== originals[0]) expectReplay(reply, first)
  expect(accepted).toHaveLength(50)
  const refused = replies.filter((reply) => !accepted.includes(reply))
  for (const reply of refused)
    expect(reply.json).toMatchObject({ status: 422, code: 'idempotency-key-reused' })
})

test('the same body of two tenants, under the same key too, is two jobs', async () => {
  const key = { 'idempotency-key': 'order-1' }
  const first = fresh(await globex.post(lead('again')))
  expectReplay(await globex.post(lead('again')), first)
  fresh(await globex.post(lead('keyed'), key))
  // A body that acme's key would refuse.
  fresh(await globex.post(lead('other')))
})

test('the same line twice in a batch, and once more by itself, is one job', async () => {
  const line = JSON.stringify(lead('line'))
  const headers = { 'content-type': 'application/x-ndjson' }
  const batch = [line, JSON.stringify(lead('another')), line].join('\n')
  const reply = await acme.post(batch, headers, '/v1/jobs/batch')
  const [first, other, again] = reply.text
    .trimEnd()
    .split('\n')
    .map((one) => JSON.parse(one))
  for (const job of [first, other]) {
    expect(job).toEqual({
      status: 202,
      id: job.id,
      traceId: job.traceId,
      links: { self: `/v1/jobs/${job.id}` },
    })
    ids.push(job.id)
  }
  expect(again).toEqual({ ...first, replayed: true })
  expectReplay(await acme.post(line), { id: first.id, traceId: first.traceId })
})

test('afterwards each job is once in the log and once in the job table', async () => {
  const lag = () => node.metric('spillway_lane_lag_jobs{lane="pool-a.normal"}')
  await until(async () => (await lag()) === 0, 'every job is finished')
  await node.stop()

  const data = await DataOnDisk.open(directory)
  onTestFinished(() => data.close())
  const envelopes = (await data.records()).map(({ envelope }) => envelope)
  expect(envelopes.map(({ id }) => id).sort()).toEqual(ids.toSorted())
  const rows = await data.sql.query('select id, state, attempt from spillway.jobs')
  expect(rows.map(({ id }) => id).sort()).toEqual(ids.toSorted())
  for (const row of rows) expect(row).toMatchObject({ state: 'done', attempt: 1 })
})

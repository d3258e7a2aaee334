import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { DataOnDisk } from '../../bench/chaos/data-on-disk.ts'
import { LANES } from '../../runtime/job/lane.ts'
import { PROBLEMS, type ProblemCode } from '../../runtime/job/problem.ts'
import type { Reply } from '../support/http-client.ts'
import { keysFlags } from '../support/keys-file.ts'
import { chunkOf, RawPost } from '../support/raw-post.ts'
import { suiteDirectory } from '../support/temporary-directory.ts'
import { TestNode } from '../support/test-node.ts'

/**
 * What a client can get wrong, against a whole node with API keys: each with a status and a code of its own, as a problem
 * document of RFC 9457 in the client's trace, and none with any trace in the log or in the job table.
 */
const TRACE_ID = '4bf92f3577b34da6a3ce929d0e0e4736'
const TRACE = { traceparent: `00-${TRACE_ID}-00f067aa0ba902b7-01` }
const ACME = { authorization: 'Bearer sk-acme' }

const LEAD = { kind: 'lead.qualify', payload: { email: 'ada@example.com', company: 'Example Ltd' } }
const SYNC = { kind: 'crm.sync', payload: { externalId: 'c-1', email: 'ada@example.com' } }

/** The lead as text, `replaced` by something that no object can express. */
function leadWith(replaced: string, replacement: string): string {
  const text = JSON.stringify(LEAD)
  const changed = text.replace(replaced, () => replacement)
  if (changed === text) throw new Error(`${replaced} is not in ${text}`)
  return changed
}

let node: TestNode
const directory = suiteDirectory()
let flags: string[]

beforeAll(async () => {
  flags = keysFlags(directory, ['acme', 'globex'])
  node = await TestNode.start(directory, flags)
})

afterAll(() => node.stop())

/** The status and the code of a problem. */
type Answer = `${number} ${ProblemCode}`

interface Sent {
  body: unknown
  headers?: Record<string, string>
}

/** By what is wrong; sent with the key of acme. */
const BAD_BODIES: Record<string, Sent & { answer: Answer }> = {
  'nothing at all': { body: '', answer: '400 invalid-json' },
  'no JSON': { body: '{"kind":"lead.qualify",', answer: '400 invalid-json' },
  'JSON that is no object': { body: '[]', answer: '400 invalid-request' },
  'no kind': { body: { payload: LEAD.payload }, answer: '400 invalid-request' },
  'no payload': { body: { kind: LEAD.kind }, answer: '400 invalid-request' },
  'an unknown member': { body: { ...LEAD, prio: 1 }, answer: '400 invalid-request' },
  'a kind without a handler': { body: { ...LEAD, kind: 'lead.qualfy' }, answer: '400 unknown-kind' },
  "a kind that is a member of every object's": {
    body: { ...LEAD, kind: 'constructor' },
    answer: '400 unknown-kind',
  },
  'a tier that is none': { body: { ...LEAD, tier: 'urgent' }, answer: '400 invalid-tier' },
  'a tier that is no string': { body: { ...LEAD, tier: 1 }, answer: '400 invalid-tier' },
  'a payload against the schema of its kind': {
    body: { ...LEAD, payload: { email: 'ada@example.com' } },
    answer: '400 invalid-payload',
  },
  'a member of the payload that its schema does not have': {
    body: { ...LEAD, payload: { ...LEAD.payload, tenant: 'globex' } },
    answer: '400 invalid-payload',
  },
  'an ordering key of 300 bytes': {
    body: { ...SYNC, orderingKey: 'k'.repeat(300) },
    answer: '400 invalid-ordering-key',
  },
  'an ordering key for a kind that takes none': {
    body: { ...LEAD, orderingKey: 'k' },
    answer: '400 invalid-ordering-key',
  },
  'an ordering key in a tier that its kind does not fix': {
    body: { ...SYNC, tier: 'low', orderingKey: 'k' },
    answer: '400 invalid-ordering-key',
  },
  'arrays nested 100,000 deep': {
    body: leadWith('"ada@example.com"', `${'['.repeat(100_000)}${']'.repeat(100_000)}`),
    answer: '400 nesting-too-deep',
  },
  'objects nested 40,000 deep': {
    body: leadWith('"ada@example.com"', `${'{"a":'.repeat(40_000)}1${'}'.repeat(40_000)}`),
    answer: '400 nesting-too-deep',
  },
  'brackets that are never closed, 100,000 deep': {
    body: '['.repeat(100_000),
    answer: '400 nesting-too-deep',
  },
  'invalid UTF-8': { body: Buffer.from(leadWith('Example', '\xff'), 'latin1'), answer: '400 invalid-utf8' },
  'UTF-8 that is cut off': {
    body: Buffer.from(leadWith('Example', '\xe2\x82'), 'latin1'),
    answer: '400 invalid-utf8',
  },
  'a key twice': {
    body: leadWith('"company"', '"email":"eve@example.com","company"'),
    answer: '400 duplicate-key',
  },
  'a kind twice, the second escaped': {
    body: leadWith('"payload"', '"\\u006bind":"crm.sync","payload"'),
    answer: '400 duplicate-key',
  },
  'a __proto__ key': {
    body: leadWith('"company"', '"__proto__":{"admin":true},"company"'),
    answer: '400 forbidden-key',
  },
  'a __proto__ key, escaped': {
    body: leadWith('"kind"', '"\\u005f_proto__":{},"kind"'),
    answer: '400 forbidden-key',
  },
  'a prototype by way of the constructor': {
    body: leadWith('"company"', '"constructor":{"prototype":{}},"company"'),
    answer: '400 forbidden-key',
  },
  'a NUL character in a string': { body: leadWith('Example', 'Exam\\u0000ple'), answer: '400 nul-character' },
  'a NUL character in a key': {
    body: leadWith('"company"', '"a\\u0000":1,"company"'),
    answer: '400 nul-character',
  },
  'half a surrogate pair': { body: leadWith('Example', 'Exam\\ud800ple'), answer: '400 invalid-json' },
  'a body in gzip': {
    body: gzipSync(JSON.stringify(LEAD)),
    headers: { 'content-encoding': 'gzip' },
    answer: '415 unsupported-encoding',
  },
  'a body of another media type': {
    body: LEAD,
    headers: { 'content-type': 'application/xml' },
    answer: '415 unsupported-media-type',
  },
  'an Idempotency-Key of 300 bytes': {
    body: LEAD,
    headers: { 'idempotency-key': 'k'.repeat(300) },
    answer: '400 invalid-idempotency-key',
  },
  'a key that nobody has': {
    body: LEAD,
    headers: { authorization: 'Bearer sk-umbrella' },
    answer: '401 invalid-credential',
  },
  "the development mode's key": {
    body: LEAD,
    headers: { authorization: 'Bearer sk-dev-local' },
    answer: '401 invalid-credential',
  },
  'a credential of another scheme': {
    body: LEAD,
    headers: { authorization: `Basic ${Buffer.from('acme:sk-acme').toString('base64')}` },
    answer: '401 invalid-credential',
  },
}

/** By what is wrong; sent with these headers and these pieces of a body. */
const BAD_REQUESTS: Record<string, Sent & { body: string[]; answer: Answer }> = {
  'no credential': { headers: { 'content-length': '2' }, body: ['{}'], answer: '401 missing-credential' },
  'no credential but a tenant': {
    headers: { 'x-tenant-id': 'acme', 'content-length': '2' },
    body: ['{}'],
    answer: '401 missing-credential',
  },
  'a body of one byte too many, declared and not even sent': {
    headers: { ...ACME, 'content-length': '262145' },
    body: [],
    answer: '413 body-too-large',
  },
  'a body too large, streamed without a length and without an end': {
    headers: { ...ACME, 'transfer-encoding': 'chunked' },
    body: Array.from({ length: 5 }, () => chunkOf('x'.repeat(60_000))),
    answer: '413 body-too-large',
  },
  'an ordering key of 1 MB, of which most is still to come': {
    headers: { ...ACME, 'content-length': '1000100' },
    body: [`{"kind":"crm.sync","orderingKey":"${'k'.repeat(10_000)}`],
    answer: '413 body-too-large',
  },
}

describe('refused, with a status and a code of its own', () => {
  test.each(Object.entries(BAD_BODIES))('%s', async (_, { body, headers, answer }) => {
    expectProblem(await node.as('sk-acme').post(body, { ...TRACE, ...headers }), answer)
  })

  test.each(Object.entries(BAD_REQUESTS))('%s', async (_, { headers, body, answer }) => {
    const post = new RawPost(node.ports.http, { ...TRACE, ...headers })
    for (const piece of body) post.send(piece)
    expectProblem(await post.reply(), answer)
  })

  test('in a batch line by line', async () => {
    const lines = ['{', JSON.stringify({ ...LEAD, tier: 'urgent' }), leadWith('Example', '\\u0000'), '{}']
    const headers = { ...TRACE, 'content-type': 'application/x-ndjson' }
    const reply = await node.as('sk-acme').post(lines.join('\n'), headers, '/v1/jobs/batch')
    expect(reply.status).toBe(200)
    const problems = reply.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    const answers = ['invalid-json', 'invalid-tier', 'nul-character', 'invalid-request'] as const
    expect(problems).toEqual(answers.map((code) => problemOf(`400 ${code}`)))
  })

  test('in a batch as a whole, when it has more than 1,000 lines', async () => {
    const body = `${JSON.stringify(LEAD)}\n`.repeat(1_001)
    const headers = { ...TRACE, 'content-type': 'application/x-ndjson' }
    expectProblem(await node.as('sk-acme').post(body, headers, '/v1/jobs/batch'), '400 batch-too-long')
  })
})

test('nothing of all that is in the log or in the job table', async () => {
  expect(await node.metric('spillway_http_requests_in_flight')).toBe(0)
  expect(await node.metric('spillway_jobs_submitted_total{answer="accepted"}')).toBe(0)
  await node.stop()
  const data = await DataOnDisk.open(directory)
  const progress = await data.log.progress('spillway.pool-a', LANES)
  expect(progress).toHaveLength(4 * LANES.length)
  expect(progress.filter(({ end }) => end !== 0)).toEqual([])
  expect(await data.sql.query('select id from spillway.jobs')).toEqual([])
  await data.close()
})

describe('the tenant', () => {
  beforeAll(async () => {
    node = await TestNode.start(directory, flags)
  })

  test("of another job's credential gets the 404 of a job that does not exist", async () => {
    const { json } = await node.as('sk-acme').post(LEAD)
    const id = String(json.id)
    await node.as('sk-acme').settled(id)
    const nowhere = id.slice(0, 5) + id.slice(5).split('').reverse().join('')
    const [others, none] = await Promise.all(
      [id, nowhere].map((one) => node.as('sk-globex').get(`/v1/jobs/${one}`, TRACE)),
    )
    expectProblem(others!, '404 job-not-found')
    expect(others!.text.replaceAll(id, 'ID')).toBe(none!.text.replaceAll(nowhere, 'ID'))
    expect(Object.keys(others!.headers)).toEqual(Object.keys(none!.headers))
  })

  test("is the credential's, whatever a header or the body say", async () => {
    const payload = {
      externalId: 'mine',
      email: 'ada@example.com',
      fields: { tenant: 'globex', tenant_id: 'globex' },
    }
    const body = { kind: 'crm.sync', payload }
    const reply = await node.as('sk-acme').post(body, { 'x-tenant-id': 'globex' })
    const id = String(reply.json.id)
    expect(await node.as('sk-acme').settled(id)).toMatchObject({ status: 'done' })
    expectProblem(
      await node.as('sk-globex').get(`/v1/jobs/${id}`, { ...TRACE, 'x-tenant-id': 'acme' }),
      '404 job-not-found',
    )
    expectProblem(await node.as('sk-acme').post({ ...body, tenant: 'globex' }, TRACE), '400 invalid-request')

    await node.stop()
    const data = await DataOnDisk.open(directory)
    onTestFinished(() => data.close())
    expect((await data.records()).map(({ envelope: { tenant } }) => tenant)).toEqual(['acme', 'acme'])
    expect(await data.sql.query('select distinct tenant from spillway.jobs')).toEqual([{ tenant: 'acme' }])
    expect(await data.sql.query('select tenant from contacts')).toEqual([{ tenant: 'acme' }])
  })
})

function problemOf(answer: Answer): unknown {
  const [status, code] = answer.split(' ') as [string, ProblemCode]
  return expect.objectContaining({
    type: `urn:spillway:problem:${code}`,
    title: PROBLEMS[code].title,
    status: Number(status),
    code,
    traceId: TRACE_ID,
  })
}

function expectProblem(reply: Reply, answer: Answer): void {
  expect(reply.json).toEqual(problemOf(answer))
  expect(reply.status).toBe(reply.json.status)
  expect(reply.headers).toMatchObject({ 'content-type': 'application/problem+json', 'x-trace-id': TRACE_ID })
}

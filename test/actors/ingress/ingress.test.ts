import { describe, expect, test } from 'vitest'
import type { JobView } from '../../../actors/ingress/job-view.ts'
import { refuse } from '../../../runtime/http/refusal.ts'
import { PROBLEMS, type ProblemCode } from '../../../runtime/job/problem.ts'
import { type Call, call, RawClient } from '../../support/http-client.ts'
import { until } from '../../support/until.ts'
import { acceptance, HEADERS, JOB_ID, lead, NOW_MS, startIngress } from './fixture.ts'

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
const sync = (more: object): string => JSON.stringify({ kind: 'crm.sync', payload: { contact: 1 }, ...more })

describe('an accepted job', () => {
  test('is answered 202 with its id, its trace and where to look', async () => {
    const { post, next, ingress } = startIngress()
    const reply = await post(lead(), { headers: { traceparent: TRACEPARENT } })
    expect(reply.status).toBe(202)
    expect(reply.json).toEqual({
      id: JOB_ID,
      traceId: '0af7651916cd43dd8448eb211c80319c',
      status: 'accepted',
      links: { self: `/v1/jobs/${JOB_ID}` },
    })
    expect(reply.headers).toMatchObject({
      location: `/v1/jobs/${JOB_ID}`,
      'content-type': 'application/json',
      'x-trace-id': '0af7651916cd43dd8448eb211c80319c',
    })
    expect(reply.headers).not.toHaveProperty('idempotency-replayed')
    expect(next.submissions).toHaveLength(1)
    expect(ingress.stats).toMatchObject({
      http: { requests: { 'POST /v1/jobs': 1 }, answers: { 202: 1 }, bytesIn: lead().length },
      jobs: { accepted: 1, replayed: 0 },
      requestsInFlight: 0,
      bodyBytesInFlight: 0,
    })
  })

  test('is handed on with all that the request says, and the tenant of its credential', async () => {
    const { post, next } = startIngress()
    const body = sync({ orderingKey: 'contact-1' })
    await post(body, { headers: { 'idempotency-key': 'order-4711', traceparent: TRACEPARENT } })
    const [submission] = next.submissions
    expect(submission).toMatchObject({
      tenant: 'acme',
      kind: 'crm.sync',
      pool: 'c',
      tier: 'critical',
      orderingKey: 'contact-1',
      idempotencyKey: 'order-4711',
      traceId: '0af7651916cd43dd8448eb211c80319c',
      receivedAtMs: NOW_MS,
    })
    expect(submission?.traceparent).toMatch(
      /^00-0af7651916cd43dd8448eb211c80319c-(?!b7ad6b7169203331)[0-9a-f]{16}-01$/,
    )
    expect(Buffer.from(submission?.body ?? []).toString()).toBe(body)
  })

  test('starts a trace of its own when the request has none', async () => {
    const { post, next } = startIngress()
    const reply = await post(lead())
    expect(reply.headers['x-trace-id']).toMatch(/^[0-9a-f]{32}$/)
    expect(reply.json.traceId).toBe(reply.headers['x-trace-id'])
    expect(next.submissions[0]?.traceId).toBe(reply.json.traceId)
  })

  test('that was accepted before is answered with the original id and trace', async () => {
    const { post, next, ingress } = startIngress()
    const original = 'f'.repeat(32)
    next.verdict = () => ({ accepted: true, id: JOB_ID, traceId: original, replayed: true })
    const reply = await post(lead())
    expect(reply).toMatchObject({ status: 202, json: { id: JOB_ID, traceId: original } })
    expect(reply.headers['idempotency-replayed']).toBe('true')
    expect(reply.headers['x-trace-id']).not.toBe(original)
    expect(ingress.stats.jobs).toMatchObject({ accepted: 0, replayed: 1 })
  })

  test('goes to the next stage together with what else the same turn brought', async () => {
    const { port, next } = startIngress()
    const request = `POST /v1/jobs HTTP/1.1\r\nHost: x\r\nX-Api-Key: key-of-acme\r\nContent-Length: ${lead().length}\r\n\r\n${lead()}`
    const clients = [new RawClient(port), new RawClient(port)]
    for (const client of clients) {
      client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
      await client.receives('not-found')
    }
    // Both are in the server's sockets before the event loop looks at either.
    for (const client of clients) client.send(request)
    for (const client of clients) await client.receives('"accepted"')
    expect(next.batches.map((batch) => batch.length)).toEqual([2])
  })
})

describe('a bad request is refused, and nothing of it is handed on:', () => {
  const deep = `{"kind":"lead.qualify","payload":${'['.repeat(100_000)}`
  const inEmail = (bytes: number[]) =>
    Buffer.concat([
      Buffer.from('{"kind":"lead.qualify","payload":{"email":"'),
      Buffer.from(bytes),
      Buffer.from('"}}'),
    ])

  test.each<[string, number, ProblemCode, string | Uint8Array, Call?]>([
    ['no JSON', 400, 'invalid-json', 'kind=lead.qualify'],
    ['no body', 400, 'invalid-json', ''],
    ['no job', 400, 'invalid-request', '[]'],
    ['an unknown member', 400, 'invalid-request', lead({ priority: 1 })],
    ['an unknown kind', 400, 'unknown-kind', lead({ kind: 'lead.quantify' })],
    ['an unknown tier', 400, 'invalid-tier', lead({ tier: 'urgent' })],
    ['a payload against its schema', 400, 'invalid-payload', lead({ payload: { email: 7 } })],
    [
      'a member that the schema does not know',
      400,
      'invalid-payload',
      sync({ payload: { contact: 1, x: 1 } }),
    ],
    ['nesting of 100,000 levels', 400, 'nesting-too-deep', deep],
    ['invalid UTF-8', 400, 'invalid-utf8', inEmail([0xff])],
    ['half a character', 400, 'invalid-utf8', inEmail([0xc3])],
    ['a duplicate key', 400, 'duplicate-key', '{"kind":"lead.qualify","payload":{"email":"a","email":"b"}}'],
    [
      'a __proto__ key',
      400,
      'forbidden-key',
      '{"kind":"lead.qualify","payload":{"email":"a","__proto__":{}}}',
    ],
    [
      'an escaped __proto__ key',
      400,
      'forbidden-key',
      '{"kind":"lead.qualify","payload":{"\\u005f_proto__":{}}}',
    ],
    ['a NUL character', 400, 'invalid-json', inEmail([0])],
    ['an escaped NUL character', 400, 'nul-character', lead({ payload: { email: 'a\0' } })],
    ['a NUL character in a key', 400, 'nul-character', lead({ payload: { 'a\0': 1 } })],
    ['a lone surrogate', 400, 'invalid-json', lead({ payload: { email: '\ud800' } })],
    ['an ordering key of 1 MB', 400, 'invalid-ordering-key', sync({ orderingKey: 'k'.repeat(1_000_000) })],
    ['an ordering key where none is taken', 400, 'invalid-ordering-key', lead({ orderingKey: 'k' })],
    ['an ordering key in another tier', 400, 'invalid-ordering-key', sync({ orderingKey: 'k', tier: 'low' })],
    [
      'an Idempotency-Key with a space',
      400,
      'invalid-idempotency-key',
      lead(),
      { headers: { 'idempotency-key': 'a b' } },
    ],
    [
      'an Idempotency-Key of 256 bytes',
      400,
      'invalid-idempotency-key',
      lead(),
      { headers: { 'idempotency-key': 'k'.repeat(256) } },
    ],
    ['a wrong credential', 401, 'invalid-credential', lead(), { headers: { 'x-api-key': 'nonsense' } }],
    ['a method that is not answered', 405, 'method-not-allowed', lead(), { method: 'PUT' }],
    ['an address where nothing is', 404, 'not-found', lead(), { path: '/v2/jobs' }],
    ['a body that is too large', 413, 'body-too-large', lead({ payload: { email: 'x'.repeat(2_000_000) } })],
    ['a compressed body', 415, 'unsupported-encoding', lead(), { headers: { 'content-encoding': 'gzip' } }],
    [
      'a form',
      415,
      'unsupported-media-type',
      lead(),
      { headers: { 'content-type': 'application/x-www-form-urlencoded' } },
    ],
  ])('%s', async (_, status, code, body, more) => {
    const { post, next, ingress } = startIngress({
      limits: { bodyBytesMax: 1_100_000, bodyBytesInFlightMax: 4e6 },
    })
    const reply = await post(body, more)
    expect(reply.json).toMatchObject({ status, code, type: `urn:spillway:problem:${code}` })
    expect(reply.status).toBe(status)
    expect(reply.headers['content-type']).toBe('application/problem+json')
    expect(reply.json.traceId).toBe(reply.headers['x-trace-id'])
    expect(next.batches).toEqual([])
    expect(ingress.stats).toMatchObject({
      http: { problems: { [code]: 1 }, answers: { [status]: 1 } },
      requestsInFlight: 0,
      bodyBytesInFlight: 0,
    })
  })

  test('no credential', async () => {
    const { port, next } = startIngress()
    const reply = await call(port, { method: 'POST', path: '/v1/jobs', body: lead() })
    expect(reply).toMatchObject({ status: 401, json: { code: 'missing-credential' } })
    expect(reply.headers['www-authenticate']).toBe('Bearer')
    expect(next.batches).toEqual([])
  })

  test('a body that turns out too large, sent in chunks without a length', async () => {
    const { port, next, ingress } = startIngress()
    const client = new RawClient(port)
    client.send(
      'POST /v1/jobs HTTP/1.1\r\nHost: x\r\nX-Api-Key: key-of-acme\r\nTransfer-Encoding: chunked\r\n\r\n',
    )
    for (let sent = 0; sent <= 4_096; sent += 1_024) client.send(`400\r\n${'x'.repeat(1_024)}\r\n`)
    expect(await client.receives('body-too-large')).toMatch(/^HTTP\/1.1 413 /)
    expect(next.batches).toEqual([])
    expect(ingress.stats).toMatchObject({ requestsInFlight: 0, bodyBytesInFlight: 0 })
  })

  test('what admission refuses, by the tenant and before the body is there', async () => {
    const asked: string[] = []
    const { port, next } = startIngress({
      admit: (tenant) => {
        asked.push(tenant)
        return refuse('quota-exceeded', 'of 100/s', 1.2)
      },
    })
    const client = new RawClient(port)
    client.send('POST /v1/jobs HTTP/1.1\r\nHost: x\r\nX-Api-Key: key-of-acme\r\nContent-Length: 100\r\n\r\n{')
    const reply = await client.receives('quota-exceeded')
    expect(reply).toMatch(/^HTTP\/1.1 429 .*retry-after: 2\r\n.*"detail":"of 100\/s"/s)
    expect(asked).toEqual(['acme'])
    expect(next.batches).toEqual([])
  })
})

describe('a media type', () => {
  test.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON;x=y'])(
    'may be %s',
    async (type) => {
      const { post } = startIngress()
      const headers = { 'content-type': type, 'content-encoding': 'identity' }
      expect(await post(lead(), { headers })).toMatchObject({ status: 202 })
    },
  )

  test('may be absent', async () => {
    const { port } = startIngress()
    const headers = { 'x-api-key': 'key-of-acme' }
    expect(await call(port, { method: 'POST', path: '/v1/jobs', headers, body: lead() })).toMatchObject({
      status: 202,
    })
  })
})

describe('the table of problems', () => {
  test.each(Object.entries(PROBLEMS))(
    'says how %s is answered, whoever refuses',
    async (name, { status, title }) => {
      const code = name as ProblemCode
      const { post, next } = startIngress()
      next.verdict = () => ({ accepted: false, problem: code, detail: 'why', retryAfterS: 2.5 })
      const reply = await post(lead())
      expect(reply.status).toBe(status)
      expect(reply.headers['retry-after']).toBe('3')
      expect(reply.json).toEqual({
        type: `urn:spillway:problem:${code}`,
        title,
        status,
        code,
        detail: 'why',
        traceId: next.submissions[0]?.traceId,
      })
    },
  )
})

describe('a client that goes away', () => {
  const half = `POST /v1/jobs HTTP/1.1\r\nHost: x\r\nX-Api-Key: key-of-acme\r\nContent-Length: ${lead().length}\r\n\r\n`

  test('in the middle of its body leaves nothing behind', async () => {
    const { port, next, ingress, post } = startIngress()
    const client = new RawClient(port)
    client.send(half + lead().slice(0, 10))
    await until(() => ingress.stats.http.bytesIn === 10, 'the first half')
    expect(ingress.stats).toMatchObject({ requestsInFlight: 1, bodyBytesInFlight: lead().length })
    client.destroy()
    await until(() => ingress.stats.requestsInFlight === 0, 'the end of the request')
    expect(ingress.stats).toMatchObject({ bodyBytesInFlight: 0, http: { aborted: 1 } })
    expect(next.batches).toEqual([])
    expect(await post(lead())).toMatchObject({ status: 202 })
  })

  test('while it waits loses its answer, and the job goes on', async () => {
    const { port, next, ingress } = startIngress()
    next.verdict = () => 'later'
    const client = new RawClient(port)
    client.send(half + lead())
    const submission = await until(() => next.submissions[0], 'the submission')
    client.destroy()
    await until(() => ingress.stats.http.aborted === 1, 'the abort')
    expect(ingress.stats.requestsInFlight).toBe(1)
    submission.settle(acceptance(submission))
    expect(ingress.stats).toMatchObject({
      requestsInFlight: 0,
      bodyBytesInFlight: 0,
      jobs: { accepted: 1 },
      http: { answers: {} },
    })
  })
})

describe('capacity', () => {
  const NO_ROOM = { status: 503, json: { code: 'temporary-reduced-capacity' } }

  test('ends at the bound of requests in flight, and comes back with each answer', async () => {
    const { next, post, ingress } = startIngress({ limits: { requestsInFlightMax: 2 } })
    next.verdict = () => 'later'
    const pending = [post(lead()), post(lead())]
    await until(() => next.submissions.length === 2, 'two submissions')
    const refused = await post(lead())
    expect(refused).toMatchObject(NO_ROOM)
    expect(refused.headers['retry-after']).toBe('1')
    for (const submission of next.submissions) submission.settle(acceptance(submission))
    for (const reply of await Promise.all(pending)) expect(reply.status).toBe(202)
    next.verdict = acceptance
    expect(await post(lead())).toMatchObject({ status: 202 })
    expect(ingress.stats).toMatchObject({ requestsInFlight: 0, bodyBytesInFlight: 0 })
  })

  test('ends at the bound of body bytes, whether they have arrived or are only declared', async () => {
    const { port, next, post, ingress } = startIngress({
      limits: { batchBytesMax: 4_200, bodyBytesInFlightMax: 4_200 },
    })
    const client = new RawClient(port)
    client.send('POST /v1/jobs HTTP/1.1\r\nHost: x\r\nX-Api-Key: key-of-acme\r\nContent-Length: 4096\r\n\r\n')
    await until(() => ingress.stats.requestsInFlight === 1, 'the first request')
    expect(await post(lead({ payload: { email: 'x'.repeat(100) } }))).toMatchObject(NO_ROOM)
    expect(await post(lead())).toMatchObject({ status: 202 })
    client.destroy()
    await until(() => ingress.stats.requestsInFlight === 0, 'the abort')
    next.verdict = () => 'later'
    const pending = post(lead({ payload: { email: 'x'.repeat(4_000) } }))
    await until(() => next.submissions.length === 2, 'the large submission')
    expect(await post(lead({ payload: { email: 'x'.repeat(200) } }))).toMatchObject(NO_ROOM)
    const large = next.submissions[1]
    large?.settle(acceptance(large))
    expect(await pending).toMatchObject({ status: 202 })
    expect(ingress.stats.bodyBytesInFlight).toBe(0)
  })
})

test('limits under which no batch could ever be accepted are refused at the start', () => {
  expect(() => startIngress({ limits: { batchBytesMax: 2_000, bodyBytesInFlightMax: 1_999 } })).toThrow(
    'bodyBytesInFlightMax 1999 must hold the largest body that is accepted, 4096 bytes',
  )
})

test('a submission that is settled twice is answered and counted once', async () => {
  const { post, next, ingress } = startIngress()
  await post(lead())
  const [submission] = next.submissions
  submission?.settle({ accepted: false, problem: 'internal-error' })
  expect(ingress.stats).toMatchObject({
    requestsInFlight: 0,
    jobs: { accepted: 1 },
    http: { answers: { 202: 1 } },
  })
})

describe('a job that is looked up', () => {
  const view: JobView = {
    id: JOB_ID,
    traceId: 'a'.repeat(32),
    kind: 'lead.qualify',
    tier: 'low',
    status: 'thin',
    attempt: 2,
    acceptedAtMs: NOW_MS,
    updatedAtMs: NOW_MS + 1_500,
    result: { score: 7 },
    skipped: ['firmographics'],
    history: [
      { status: 'accepted', attempt: 0, atMs: NOW_MS },
      { status: 'retry', attempt: 1, atMs: NOW_MS + 1_000, error: { code: 'timeout', message: 'after 1 s' } },
    ],
  }
  const get = (port: number, id: string) => call(port, { path: `/v1/jobs/${id}`, headers: HEADERS })

  test('is shown with its result and its history', async () => {
    const asked: string[] = []
    const { port, ingress } = startIngress({
      lookup: async (tenant, id) => {
        asked.push(`${tenant} ${id}`)
        return view
      },
    })
    const reply = await get(port, JOB_ID)
    expect(reply.status).toBe(200)
    expect(reply.json).toEqual({
      id: JOB_ID,
      traceId: 'a'.repeat(32),
      kind: 'lead.qualify',
      tier: 'low',
      status: 'thin',
      attempt: 2,
      acceptedAt: '2026-01-02T03:04:05.000Z',
      updatedAt: '2026-01-02T03:04:06.500Z',
      result: { score: 7 },
      skipped: ['firmographics'],
      history: [
        { status: 'accepted', attempt: 0, at: '2026-01-02T03:04:05.000Z' },
        {
          status: 'retry',
          attempt: 1,
          at: '2026-01-02T03:04:06.000Z',
          error: { code: 'timeout', message: 'after 1 s' },
        },
      ],
      links: { self: `/v1/jobs/${JOB_ID}` },
    })
    expect(asked).toEqual([`acme ${JOB_ID}`])
    expect(ingress.stats.requestsInFlight).toBe(0)
  })

  test('shows its error without the stack', async () => {
    const error = { code: 'permanent', message: 'no', stack: 'at /srv/secret' }
    const { port } = startIngress({ lookup: async () => ({ ...view, status: 'dead', error }) })
    const reply = await get(port, JOB_ID)
    expect(reply.json.error).toEqual({ code: 'permanent', message: 'no' })
    expect(reply.text).not.toContain('stack')
  })

  test('may be known by nothing but its claim', async () => {
    const { id, traceId } = view
    const { port } = startIngress({
      lookup: async () => ({ id, traceId, status: 'accepted', attempt: 0, history: [] }),
    })
    expect((await get(port, JOB_ID)).json).toEqual({
      id,
      traceId,
      status: 'accepted',
      attempt: 0,
      history: [],
      links: { self: `/v1/jobs/${JOB_ID}` },
    })
  })

  test('is 404 when there is none, and without asking when it is no id', async () => {
    const asked: string[] = []
    const { port } = startIngress({
      lookup: async (_, id) => {
        asked.push(id)
        return undefined
      },
    })
    for (const id of [JOB_ID, 'nonsense', 'batch', '%00', 'x'.repeat(2_000)])
      expect(await get(port, id)).toMatchObject({ status: 404, json: { code: 'job-not-found' } })
    expect(asked).toEqual([JOB_ID])
  })

  test('is 401 without a credential, and 503 when the job table cannot be read', async () => {
    const { port, ingress } = startIngress({ lookup: () => Promise.reject(new Error('connection lost')) })
    expect(await call(port, { path: `/v1/jobs/${JOB_ID}` })).toMatchObject({ status: 401 })
    const reply = await get(port, JOB_ID)
    expect(reply).toMatchObject({ status: 503, json: { code: 'store-unavailable' } })
    expect(reply.headers['retry-after']).toBe('1')
    expect(reply.text).not.toContain('connection lost')
    expect(ingress.stats.requestsInFlight).toBe(0)
  })
})

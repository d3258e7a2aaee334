import { describe, expect, test } from 'vitest'
import { RawClient } from '../../support/http-client.ts'
import { until } from '../../support/until.ts'
import { acceptance, BATCH_HEADERS, type Fixture, JOB_ID, lead, startIngress } from './fixture.ts'

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const postBatch = ({ post }: Fixture, body: string, headers: Record<string, string> = {}) =>
  post(body, { path: '/v1/jobs/batch', headers: { ...BATCH_HEADERS, ...headers } })
const verdicts = (text: string) => {
  expect(text.endsWith('\n')).toBe(true)
  return text
    .slice(0, -1)
    .split('\n')
    .map((line) => JSON.parse(line))
}

describe('a batch', () => {
  test('gets a verdict per line, in the order of the lines, and bad lines harm no others', async () => {
    const fixture = startIngress({ limits: { bodyBytesMax: 200 } })
    const lines = [
      lead(),
      '{',
      lead({ tier: 'low' }),
      '',
      lead({ payload: { email: 'x'.repeat(200) } }),
      '{"kind":"lead.qualify","payload":{"email":"a","email":"b"}}',
      lead(),
    ]
    const reply = await postBatch(fixture, lines.join('\n'))
    expect(reply.status).toBe(200)
    expect(reply.headers['content-type']).toBe('application/x-ndjson')
    const answers = verdicts(reply.text)
    expect(answers.map(({ status, code }) => code ?? status)).toEqual([
      202,
      'invalid-json',
      202,
      'invalid-json',
      'body-too-large',
      'duplicate-key',
      202,
    ])
    const traceId = reply.headers['x-trace-id']
    expect(answers[0]).toEqual({ status: 202, id: JOB_ID, traceId, links: { self: `/v1/jobs/${JOB_ID}` } })
    expect(answers[4]).toMatchObject({ status: 413, type: 'urn:spillway:problem:body-too-large', traceId })
    expect(fixture.next.batches.map((batch) => batch.length)).toEqual([3])
    expect(fixture.ingress.stats).toMatchObject({
      http: { answers: { 200: 1 }, problems: { 'invalid-json': 0 } },
      jobs: { accepted: 3, refusedLines: { 'invalid-json': 2, 'duplicate-key': 1 } },
      requestsInFlight: 0,
      bodyBytesInFlight: 0,
    })
  })

  test('is answered when the last verdict is there, whatever the order in which they come', async () => {
    const fixture = startIngress()
    const { next, ingress } = fixture
    next.verdict = () => 'later'
    const pending = postBatch(fixture, `${lead()}\n${lead()}\n${lead()}\n`)
    await until(() => next.submissions.length === 3, 'the submissions')
    const [first, second, third] = next.submissions
    third?.settle({ accepted: true, id: JOB_ID, traceId: 'c'.repeat(32), replayed: true })
    first?.settle({ accepted: false, problem: 'quota-exceeded', retryAfterS: 7, detail: 'of 1/s' })
    expect(ingress.stats.requestsInFlight).toBe(1)
    if (second) second.settle(acceptance(second))
    const answers = verdicts((await pending).text)
    expect(answers).toMatchObject([
      { status: 429, code: 'quota-exceeded', detail: 'of 1/s', retryAfterS: 7 },
      { status: 202, id: JOB_ID },
      { status: 202, traceId: 'c'.repeat(32), replayed: true },
    ])
    expect(ingress.stats).toMatchObject({ jobs: { accepted: 1, replayed: 1 }, requestsInFlight: 0 })
  })

  test('gives each job its own bytes, without the end of its line, and a span of its own in one trace', async () => {
    const fixture = startIngress()
    const traceparent = `00-${TRACE_ID}-b7ad6b7169203331-01`
    await postBatch(fixture, `${lead()}\r\n${lead({ tier: 'low' })}\n`, { traceparent })
    const { submissions } = fixture.next
    expect(submissions.map(({ body }) => Buffer.from(body).toString())).toEqual([
      lead(),
      lead({ tier: 'low' }),
    ])
    expect(submissions.map(({ traceId }) => traceId)).toEqual([TRACE_ID, TRACE_ID])
    expect(new Set(submissions.map((submission) => submission.traceparent)).size).toBe(2)
    expect(submissions.map(({ tenant, tier }) => `${tenant} ${tier}`)).toEqual(['acme normal', 'acme low'])
  })

  test('without a declared length holds no more than its size while it waits', async () => {
    const { port, next, ingress } = startIngress()
    next.verdict = () => 'later'
    const client = new RawClient(port)
    client.send(
      'POST /v1/jobs/batch HTTP/1.1\r\nHost: x\r\nX-Api-Key: key-of-acme\r\nTransfer-Encoding: chunked\r\n\r\n',
    )
    await until(() => ingress.stats.bodyBytesInFlight === 32_768, 'the reservation')
    client.send(`${lead().length.toString(16)}\r\n${lead()}\r\n0\r\n\r\n`)
    const submission = await until(() => next.submissions[0], 'the submission')
    expect(ingress.stats.bodyBytesInFlight).toBe(lead().length)
    submission.settle(acceptance(submission))
    await client.receives('"status":202')
    expect(ingress.stats.bodyBytesInFlight).toBe(0)
  })

  test('of bad lines only is answered too', async () => {
    const fixture = startIngress()
    const reply = await postBatch(fixture, '1\n2\n')
    expect(verdicts(reply.text)).toMatchObject([{ code: 'invalid-request' }, { code: 'invalid-request' }])
    expect(fixture.next.batches).toEqual([])
    expect(fixture.ingress.stats.requestsInFlight).toBe(0)
  })

  test('may be as long as is allowed, and no longer', async () => {
    const fixture = startIngress({ limits: { batchLinesMax: 3 } })
    expect(verdicts((await postBatch(fixture, `${lead()}\n`.repeat(3))).text)).toHaveLength(3)
    const refused = await postBatch(fixture, `${lead()}\n`.repeat(3) + lead())
    expect(refused).toMatchObject({ status: 400, json: { code: 'batch-too-long' } })
    expect(fixture.next.submissions).toHaveLength(3)
    expect(fixture.ingress.stats).toMatchObject({ requestsInFlight: 0, bodyBytesInFlight: 0 })
  })

  test.each([
    ['no lines', 400, 'invalid-request', '', {}],
    [
      'an Idempotency-Key, which cannot mean many jobs',
      400,
      'invalid-idempotency-key',
      lead(),
      { 'idempotency-key': 'k' },
    ],
    [
      'the media type of one job',
      415,
      'unsupported-media-type',
      lead(),
      { 'content-type': 'application/json' },
    ],
    ['compression', 415, 'unsupported-encoding', lead(), { 'content-encoding': 'br' }],
    ['a wrong credential', 401, 'invalid-credential', lead(), { 'x-api-key': 'nonsense' }],
    ['more bytes than a batch may have', 413, 'body-too-large', `${lead()}\n`.repeat(1_000), {}],
  ])('is refused as a whole with %s', async (_, status, code, body, headers) => {
    const fixture = startIngress()
    expect(await postBatch(fixture, body, headers)).toMatchObject({ status, json: { code } })
    expect(fixture.next.batches).toEqual([])
    expect(fixture.ingress.stats).toMatchObject({ requestsInFlight: 0, bodyBytesInFlight: 0 })
  })
})

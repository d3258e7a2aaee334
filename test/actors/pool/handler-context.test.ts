import type { IncomingHttpHeaders } from 'node:http'
import { expect, it } from 'vitest'
import { Deadline } from '../../../actors/pool/deadline.ts'
import { openRun } from '../../../actors/pool/handler-context.ts'
import { PermanentError, type UpstreamCall, UpstreamError } from '../../../runtime/handler/context.ts'
import { readJson } from '../../../runtime/handler/read-json.ts'
import type { UpstreamsConfig } from '../../../runtime/handler/upstream-config.ts'
import { httpServer } from '../../runtime/handler/http-server.ts'
import { until } from '../../support/until.ts'
import { envelopeOf, logOf, unhandledRejections, upstreamOf } from './run-fixtures.ts'

function contextOf(upstreams: UpstreamsConfig, timeoutMs = 10_000) {
  const deadline = new Deadline(timeoutMs)
  const log = logOf()
  const { context } = openRun(envelopeOf({}), deadline, { thin: false, lastAttempt: false, upstreams, log })
  return { context, deadline, log }
}

async function thrownBy(work: Promise<unknown>): Promise<Error> {
  return work.then(
    () => expect.unreachable('it was expected to reject'),
    (error) => error,
  )
}

it('an upstream gets an Idempotency-Key per step, the trace, and the credential of its configuration', async () => {
  const seen: IncomingHttpHeaders[] = []
  const url = await httpServer((request, response) => {
    seen.push(request.headers)
    response.end('{"ok":true}')
  })
  const { context } = contextOf({
    crm: upstreamOf(url, { apiKey: 'secret', settings: { model: 'm' } }),
    open: upstreamOf(url),
  })
  const answer = await context.call('crm', 'upsert', async (crm) => {
    expect(crm).toMatchObject({ name: 'crm', baseUrl: url, settings: { model: 'm' } })
    return readJson(crm, await fetch(crm.baseUrl, { headers: crm.headers, signal: crm.signal }))
  })
  await context.call('open', 'read.2', async ({ baseUrl, headers }) =>
    (await fetch(baseUrl, { headers })).text(),
  )
  expect(answer).toEqual({ ok: true })
  const { id, traceparent } = envelopeOf({})
  expect(seen[0]).toMatchObject({
    'idempotency-key': `${id}/upsert`,
    traceparent,
    authorization: 'Bearer secret',
  })
  expect(seen[1]).toMatchObject({ 'idempotency-key': `${id}/read.2`, traceparent })
  expect(seen[1]).not.toHaveProperty('authorization')
})

it('a step used twice in one run, a step no header can hold, and an unknown upstream are permanent', async () => {
  const { context } = contextOf({ crm: upstreamOf('http://127.0.0.1:1') })
  expect(await context.call('crm', 'once', async () => 1)).toBe(1)
  const mistakes = [
    [context.call('crm', 'once', async () => 2), 'step once is used twice in one run'],
    [context.call('crm', 'a b\n', async () => 2), 'step "a b\\n" must match'],
    [context.call('chat', 'x', async () => 2), 'upstream chat is not configured; there are: crm'],
    [context.call('constructor', 'x', async () => 2), 'upstream constructor is not configured'],
  ] as const
  for (const [call, message] of mistakes) {
    const error = await thrownBy(call)
    expect(error).toBeInstanceOf(PermanentError)
    expect(error.message).toContain(message)
  }
})

it('a refused connection, a reset and any other failure arrive as a retryable UpstreamError with its cause', async () => {
  const reset = await httpServer((request) => request.socket.resetAndDestroy())
  const { context } = contextOf({ down: upstreamOf('http://127.0.0.1:1'), reset: upstreamOf(reset) })
  const get = (upstream: string) =>
    context.call(upstream, upstream, ({ baseUrl, signal }) => fetch(baseUrl, { signal }))
  const failures = [
    [get('down'), /^down: fetch failed \(.+\)$/],
    [get('reset'), /^reset: fetch failed \((ECONNRESET|UND_ERR_SOCKET)\)$/],
    [
      context.call('down', 'bug', () => Promise.reject(new TypeError('x is not a function'))),
      'down: x is not a function',
    ],
    [
      context.call('down', 'sync-bug', () => {
        throw new RangeError('at once')
      }),
      'down: at once',
    ],
    [context.call('down', 'odd', () => Promise.reject('text')), 'down: the call failed'],
  ] as const
  for (const [call, message] of failures) {
    const error = await thrownBy(call)
    expect(error).toBeInstanceOf(UpstreamError)
    expect(error).toMatchObject({ retryable: true })
    expect(error.message).toMatch(message)
    expect(error.cause).toBeDefined()
  }
})

it('what the function says itself, UpstreamError or PermanentError, arrives unchanged', async () => {
  const { context } = contextOf({ crm: upstreamOf('http://127.0.0.1:1') })
  for (const said of [new UpstreamError('crm', 'no', { retryable: false }), new PermanentError('never')])
    expect(await thrownBy(context.call('crm', said.name, () => Promise.reject(said)))).toBe(said)
})

it('a call that hangs is given up at its time-out, its connection closed', async () => {
  let gone = false
  const url = await httpServer((request, response) => {
    request.socket.on('close', () => {
      gone = true
    })
    // Answers, and then never ends: the body counts as part of the call.
    response.write('{')
  })
  const { context } = contextOf({ crm: upstreamOf(url, { timeoutMs: 50 }) })
  const error = await thrownBy(
    context.call('crm', 'get', async (crm) =>
      readJson(crm, await fetch(crm.baseUrl, { signal: crm.signal })),
    ),
  )
  expect(error).toMatchObject({
    name: 'UpstreamError',
    retryable: true,
    message: 'crm: no answer within 50 ms',
  })
  await until(() => gone, 'the connection is closed')
})

it('a function that ignores its signal is given up all the same', async () => {
  const { context } = contextOf({ crm: upstreamOf('http://127.0.0.1:1', { timeoutMs: 20 }) })
  let signal: AbortSignal | undefined
  const ignore = (crm: UpstreamCall) => {
    signal = crm.signal
    return new Promise(() => {})
  }
  const error = await thrownBy(context.call('crm', 'get', ignore))
  expect(error.message).toBe('crm: no answer within 20 ms')
  expect(signal?.reason).toBe(error)
})

it("the job's deadline cuts a call off, and none begins after it", async () => {
  const { context } = contextOf({ crm: upstreamOf('http://127.0.0.1:1') }, 20)
  const cut = await thrownBy(context.call('crm', 'get', () => new Promise(() => {})))
  expect(cut.message).toBe("crm: cut off by the job's deadline")
  let begun = false
  const late = await thrownBy(
    context.call('crm', 'late', async () => {
      begun = true
    }),
  )
  expect(late.message).toBe('crm: not called: the run is over')
  expect(begun).toBe(false)
})

it('a response that nobody read is closed when its call is over', async () => {
  let gone = false
  const url = await httpServer((_, response) => {
    response.write('x')
    response.on('close', () => {
      gone = true
    })
  })
  const { context } = contextOf({ crm: upstreamOf(url) })
  await context.call('crm', 'get', ({ baseUrl, signal }) => fetch(baseUrl, { signal }))
  await until(() => gone, 'the connection is closed')
})

it('a call that nobody waits for does not end the thread when it fails', async () => {
  const unhandled = unhandledRejections()
  const { context } = contextOf({ crm: upstreamOf('http://127.0.0.1:1') })
  void context.call('crm', 'lost', () => Promise.reject(new Error('lost')))
  await new Promise((passed) => setImmediate(passed))
  expect(unhandled).toEqual([])
})

it('log lines carry the job, its tenant and its trace, whatever the handler adds', async () => {
  const { context, log } = contextOf({})
  const { info } = context.log
  info({ jobId: 'forged', step: 'plan' }, 'hello')
  expect(log.info).toHaveBeenCalledWith(
    {
      jobId: envelopeOf({}).id,
      tenant: 'acme',
      kind: 'test.run',
      attempt: 1,
      traceId: 'a'.repeat(32),
      step: 'plan',
    },
    'hello',
  )
})

it('names of enrichments are text of a bounded length and number, whatever a handler gives', async () => {
  const conditions = { thin: true, lastAttempt: false, upstreams: {}, log: logOf() }
  const { context, skipped } = openRun(envelopeOf({}), new Deadline(10_000), conditions)
  const enrich = context.enrich as (name: unknown, fn: () => number) => Promise<unknown>
  for (const name of [5, undefined, '5', 'x'.repeat(5_000)])
    expect(await enrich(name, () => 1)).toBeUndefined()
  expect(skipped).toEqual(['5', 'undefined', 'x'.repeat(100)])
  for (let i = 0; i < 1_000; i++) await enrich(`name ${i}`, () => 1)
  expect(skipped).toHaveLength(100)
})

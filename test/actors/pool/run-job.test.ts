import { pack, unpack } from 'msgpackr'
import { expect, it } from 'vitest'
import { PermanentError, UpstreamError } from '../../../runtime/handler/context.ts'
import { defineTable } from '../../../runtime/handler/define-table.ts'
import { httpServer } from '../../runtime/handler/http-server.ts'
import { runReadably as runJob } from '../../support/readable-report.ts'
import { until } from '../../support/until.ts'
import { envelopeOf, handlerOf, NOW_MS, optionsOf, unhandledRejections, upstreamOf } from './run-fixtures.ts'

const leads = defineTable({
  name: 'leads',
  key: ['email'],
  columns: { email: 'text', score: 'integer', facts: 'jsonb' },
})

const thrower = (thrown: unknown) =>
  handlerOf(() => {
    throw thrown
  })

it('a job that its handler finishes is done, with its result and its writes', async () => {
  const handler = handlerOf(
    (payload) => ({
      result: { saw: payload },
      writes: [{ table: 'leads', row: { email: 'a@b.de', score: 7 } }],
    }),
    { tables: [leads] },
  )
  expect(await runJob(envelopeOf({ n: 1 }), handler, optionsOf())).toEqual({
    state: 'done',
    result: { saw: { n: 1 } },
    writes: [{ table: 'leads', row: { email: 'a@b.de', score: 7, facts: null } }],
    skipped: [],
    startedAtMs: NOW_MS,
    finishedAtMs: NOW_MS,
  })
})

it('a body that is a view on a larger buffer is read by itself', async () => {
  const { body } = envelopeOf({ n: 1 })
  const whole = Buffer.concat([Buffer.from('{"x":'), body, Buffer.from('}}}')])
  const view = new Uint8Array(whole.buffer, whole.byteOffset + 5, body.length)
  const report = await runJob(
    envelopeOf(0, { body: view }),
    handlerOf((result) => ({ result })),
    optionsOf(),
  )
  expect(report.result).toEqual({ n: 1 })
})

it('in thin mode enrichments are left out and named once, and the job is thin', async () => {
  const handler = handlerOf(async (_, ctx) => {
    const one = await ctx.enrich('firmographics', () => 1)
    const two = await ctx.enrich('intent', async () => 2)
    await ctx.enrich('intent', () => 3)
    return { result: { one: one ?? null, two: two ?? null } }
  })
  expect(await runJob(envelopeOf({}), handler, optionsOf({ thin: true }))).toMatchObject({
    state: 'thin',
    result: { one: null, two: null },
    skipped: ['firmographics', 'intent'],
  })
  expect(await runJob(envelopeOf({}), handler, optionsOf())).toMatchObject({
    state: 'done',
    result: { one: 1, two: 2 },
    skipped: [],
  })
})

it('in thin mode a job that left nothing out is done', async () => {
  const report = await runJob(
    envelopeOf({}),
    handlerOf(() => ({})),
    optionsOf({ thin: true }),
  )
  expect(report.state).toBe('done')
})

it('a handler that fails is retried after its back-off until its attempts are used up', async () => {
  const handler = thrower(new RangeError('broken'))
  const attempts = await Promise.all(
    [1, 2, 3, 4].map((attempt) => runJob(envelopeOf({}, { attempt }), handler, optionsOf())),
  )
  expect(attempts.map(({ state, dueAtMs }) => [state, dueAtMs])).toEqual([
    ['retry', NOW_MS + 100],
    ['retry', NOW_MS + 200],
    ['dead', undefined],
    ['dead', undefined],
  ])
  for (const { error } of attempts) {
    expect(error).toMatchObject({ code: 'handler-error', message: 'broken' })
    expect(error?.stack).toContain('RangeError: broken')
  }
})

it('a handler is told when its last attempt has come', async () => {
  const handler = handlerOf((_, { attempt, lastAttempt }) => ({ result: [attempt, lastAttempt] }))
  const results = [1, 2, 3].map(
    async (attempt) => (await runJob(envelopeOf({}, { attempt }), handler, optionsOf())).result,
  )
  expect(await Promise.all(results)).toEqual([
    [1, false],
    [2, false],
    [3, true],
  ])
})

it('an upstream that asks for a longer wait gets it, spread over a fifth more', async () => {
  const handler = thrower(new UpstreamError('crm', 'busy', { retryAfterMs: 30_000 }))
  const earliest = await runJob(envelopeOf({}), handler, optionsOf({ random: () => 0 }))
  const latest = await runJob(envelopeOf({}), handler, optionsOf({ random: () => 0.999 }))
  expect(earliest).toMatchObject({
    state: 'retry',
    dueAtMs: NOW_MS + 30_000,
    error: { code: 'upstream-error' },
  })
  expect(latest.dueAtMs).toBeGreaterThan(NOW_MS + 35_900)
  expect(latest.dueAtMs).toBeLessThanOrEqual(NOW_MS + 36_000)
})

it.each([Number.NaN, -5, Number.POSITIVE_INFINITY])('a wait of %d is not believed', async (retryAfterMs) => {
  const handler = thrower(new UpstreamError('crm', 'busy', { retryAfterMs }))
  const { dueAtMs } = await runJob(envelopeOf({}), handler, optionsOf())
  expect(dueAtMs).toBeGreaterThanOrEqual(NOW_MS + 100)
  expect(dueAtMs).toBeLessThanOrEqual(NOW_MS + 3_600_000)
})

it('what no attempt can help is dead at once', async () => {
  const final = [
    [thrower(new PermanentError('no such account')), 'permanent', 'no such account'],
    [
      thrower(new UpstreamError('crm', 'answered 400', { retryable: false })),
      'upstream-error',
      'crm: answered 400',
    ],
    [undefined, 'unknown-kind', 'no handler is loaded for kind test.run'],
  ] as const
  for (const [handler, code, message] of final)
    expect(await runJob(envelopeOf({}), handler, optionsOf())).toMatchObject({
      state: 'dead',
      writes: [],
      error: { code, message },
    })
})

it.each(['', 'null', '{"payload":', '\xff'])('a body that cannot be read is dead: %j', async (text) => {
  const report = await runJob(
    envelopeOf({}, { body: Buffer.from(text, 'latin1') }),
    handlerOf(() => ({})),
    optionsOf(),
  )
  expect(report).toMatchObject({ state: 'dead', error: { code: 'bad-envelope' } })
})

const nested = (depth: number): unknown => JSON.parse('['.repeat(depth) + ']'.repeat(depth))
const cyclic: unknown[] = []
cyclic.push(cyclic)

it.each([
  ['nothing', undefined, 'handle must return { result, writes }'],
  ['a cycle', { result: cyclic }, 'result cannot be written as JSON'],
  ['a BigInt', { result: 1n }, 'result cannot be written as JSON'],
  ['a function', { result: () => 1 }, 'result is a function, which JSON cannot hold'],
  ['a NUL', { result: 'a\0b' }, 'result holds a NUL character'],
  ['what is nested too deeply', { result: nested(501) }, 'result is nested deeper than 500'],
  ['too much', { result: 'x'.repeat(65_535) }, 'result takes 65537 bytes as JSON; at most 65536 are stored'],
  [
    'a foreign table',
    { writes: [{ table: 'users', row: {} }] },
    'table "users" is not among the handler\'s tables: leads',
  ],
  [
    'a foreign column',
    { writes: [{ table: 'leads', row: { email: 'a', tenant: 'x' } }] },
    'table leads has no column tenant',
  ],
])('a handler that returns %s makes its job dead', async (_, returned, message) => {
  const report = await runJob(
    envelopeOf({}),
    handlerOf(() => returned, { tables: [leads] }),
    optionsOf(),
  )
  expect(report).toMatchObject({ state: 'dead', writes: [], error: { code: 'invalid-result' } })
  expect(report.error?.message).toContain(message)
})

it('a result may be nested as deeply as is allowed; brackets in its text do not count', async () => {
  const result = [nested(499), '[{'.repeat(2_000), '"[\\']
  const report = await runJob(
    envelopeOf({}),
    handlerOf(() => ({ result })),
    optionsOf(),
  )
  expect(report).toMatchObject({ state: 'done', result })
})

it('a handler that ignores its signal is given up at its deadline, and its late result is dropped', async () => {
  const release = Promise.withResolvers<void>()
  let finished = false
  const handler = handlerOf(
    async () => {
      await release.promise
      finished = true
      return { result: 'late' }
    },
    { timeoutMs: 20 },
  )
  const report = await runJob(envelopeOf({}), handler, optionsOf())
  expect(report).toMatchObject({
    state: 'retry',
    error: { code: 'timeout', message: 'not finished within 20 ms' },
  })
  release.resolve()
  await until(() => finished, 'the handler finishes late')
  expect(report.result).toBeUndefined()
})

it('a handler that fails late is dropped too: no rejection is left unhandled', async () => {
  const release = Promise.withResolvers<void>()
  const unhandled = unhandledRejections()
  const handler = handlerOf(
    async (_, ctx) => {
      await release.promise
      await ctx.call('crm', 'late', async () => 1)
    },
    { timeoutMs: 10 },
  )
  const report = await runJob(
    envelopeOf({}),
    handler,
    optionsOf({ upstreams: { crm: upstreamOf('http://x') } }),
  )
  expect(report.error?.code).toBe('timeout')
  release.resolve()
  await new Promise((passed) => setImmediate(passed))
  expect(unhandled).toEqual([])
})

it('the signal of a run aborts at its deadline, with the reason, and when the run is over', async () => {
  const timedOut = Promise.withResolvers<AbortSignal>()
  const slow = handlerOf(
    (_, { signal }) => {
      timedOut.resolve(signal)
      return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
    },
    { timeoutMs: 10 },
  )
  expect((await runJob(envelopeOf({}), slow, optionsOf())).error?.code).toBe('timeout')
  expect((await timedOut.promise).reason).toMatchObject({ name: 'DeadlineError' })

  let kept: AbortSignal | undefined
  const quick = handlerOf((_, { signal }) => {
    kept = signal
    return {}
  })
  expect((await runJob(envelopeOf({}), quick, optionsOf())).state).toBe('done')
  expect(kept?.aborted).toBe(true)
})

it('a hanging upstream costs no more than the deadline of the job', async () => {
  let gone = false
  const url = await httpServer((request) => {
    request.socket.on('close', () => {
      gone = true
    })
  })
  const handler = handlerOf(
    (_, ctx) => ctx.call('crm', 'get', ({ baseUrl, signal }) => fetch(baseUrl, { signal })),
    { timeoutMs: 50 },
  )
  const report = await runJob(envelopeOf({}), handler, optionsOf({ upstreams: { crm: upstreamOf(url) } }))
  expect(report).toMatchObject({ state: 'retry', error: { code: 'timeout' } })
  await until(() => gone, 'the connection is given up')
})

it('nothing thrown, however odd, makes a run reject', async () => {
  const hostile = new Error('x')
  for (const property of ['name', 'message', 'stack'])
    Object.defineProperty(hostile, property, {
      get() {
        throw new Error('no')
      },
    })
  for (const thrown of [
    undefined,
    null,
    'text',
    Symbol('s'),
    Object.create(null),
    hostile,
    new Proxy({}, {}),
  ]) {
    const report = await runJob(envelopeOf({}), thrower(thrown), optionsOf())
    expect(report).toMatchObject({ state: 'retry', error: { code: 'handler-error' } })
  }
})

it('an error is stored bounded, with its causes, and without what PostgreSQL cannot hold', async () => {
  const error = new Error(`nul \0 half \ud800 ${'ä'.repeat(10_000)}`, { cause: new Error('the reason') })
  error.stack = `Error: short\n    at somewhere`
  const described = (await runJob(envelopeOf({}), thrower(error), optionsOf())).error
  expect(Buffer.byteLength(described?.message ?? '')).toBeLessThanOrEqual(1_024)
  expect(described?.message).toMatch(/^nul \uFFFD half \uFFFD ä+$/)
  expect(described?.stack).toContain('caused by: Error: the reason')

  error.stack = '€'.repeat(10_000)
  const { stack = '' } = (await runJob(envelopeOf({}), thrower(error), optionsOf())).error ?? {}
  expect(Buffer.byteLength(stack)).toBe(4_095)
})

it('every report can be sent to another thread, whatever the handler returned', async () => {
  const returned = {
    result: {
      at: new Date(0),
      gone: undefined,
      fn: () => 1,
      half: 'a\ud800b',
      slash: '\\ud800 \\u0000',
      map: new Map(),
    },
    writes: [{ table: 'leads', row: { email: 'a', facts: { fn: () => 1, list: [undefined] } } }],
  }
  const report = await runJob(
    envelopeOf({}),
    handlerOf(() => returned, { tables: [leads] }),
    optionsOf(),
  )
  expect(report).toMatchObject({
    state: 'done',
    result: { at: '1970-01-01T00:00:00.000Z', half: 'a\uFFFDb', slash: '\\ud800 \\u0000', map: {} },
    writes: [{ table: 'leads', row: { email: 'a', facts: { list: [null] } } }],
  })
  expect(structuredClone(report)).toEqual(report)
  expect(unpack(pack(report))).toEqual(report)
})

import type { IncomingMessage, ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { Value } from 'typebox/value'
import { expect, it, onTestFinished } from 'vitest'
import agentRun from '../../../actors/handlers/agent-run.ts'
import { type ChatBehaviour, startChatSimulator } from '../../../actors/upstreams/chat-simulator.ts'
import { httpServer } from '../../runtime/handler/http-server.ts'
import { runReadably as runJob } from '../../support/readable-report.ts'
import { envelopeOf, optionsOf, upstreamOf } from '../pool/run-fixtures.ts'

const settings = { model: 'large', fallbackModel: 'small' }
const payload = {
  task: 'What do 3 gold plans cost, 3 * 40?',
  context: [{ title: 'Prices', text: 'The gold plan costs 40 EUR.' }],
}

interface RunChange {
  attempt?: number
  thin?: boolean
  payload?: object
  settings?: Record<string, string>
}

const runVia = (baseUrl: string, change: RunChange = {}) =>
  runJob(
    envelopeOf({ ...payload, ...change.payload }, { attempt: change.attempt ?? 1 }),
    agentRun,
    optionsOf({
      thin: change.thin ?? false,
      upstreams: { chat: upstreamOf(baseUrl, { settings: change.settings ?? settings, timeoutMs: 2_000 }) },
    }),
  )

async function chatOf(behaviour: Partial<ChatBehaviour> = {}) {
  const chat = await startChatSimulator({
    latencyMedianMs: 0,
    failureRate: 0,
    rateLimitRate: 0,
    ...behaviour,
  })
  onTestFinished(() => chat.close())
  return chat
}

interface SeenRequest {
  model: string
  stream?: boolean
  tool_choice?: string
  key: string
}

/** Sits before the simulator, sees every request, and answers itself where `refuse` gives a status. */
async function proxyOf(
  upstream: string,
  refuse: (request: SeenRequest) => number | undefined = () => undefined,
) {
  const seen: SeenRequest[] = []
  const forward = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await text(request)
    const key = String(request.headers['idempotency-key']).split('/')[1] ?? ''
    const one: SeenRequest = { ...JSON.parse(body), key }
    seen.push(one)
    const status = refuse(one)
    if (status !== undefined) return void response.writeHead(status).end()
    const answer = await fetch(`${upstream}${request.url}`, { method: 'POST', body })
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? '' })
    response.end(await answer.text())
  }
  const url = await httpServer((request, response) => {
    forward(request, response).catch(() => response.destroy())
  })
  return { url, seen }
}

it('it plans, uses both tools, answers with what they said, and summarizes', async () => {
  const { url, seen } = await proxyOf((await chatOf()).url)
  const report = await runVia(url)
  expect(report).toMatchObject({
    state: 'done',
    result: {
      answer: 'The tools say: Prices: The gold plan costs 40 EUR.; 120',
      summary: expect.stringContaining('The tools say'),
      model: 'large',
      degraded: false,
      stop: 'answered',
      steps: 4,
      tools: [
        { name: 'lookup', output: 'Prices: The gold plan costs 40 EUR.' },
        { name: 'calculator', arguments: '{"expression":"3 * 40"}', output: '120' },
      ],
    },
    writes: [
      {
        table: 'agent_runs',
        row: { run_id: envelopeOf(0).id, task: payload.task, model: 'large', degraded: false, steps: 4 },
      },
    ],
  })
  expect(seen.map(({ key, stream }) => [key, stream ?? false])).toEqual([
    ['plan', true],
    ['act-1', true],
    ['act-2', true],
    ['act-3', true],
    ['summary', false],
  ])
})

it('thin mode leaves the summary and its call out', async () => {
  const { url, seen } = await proxyOf((await chatOf()).url)
  const report = await runVia(url, { thin: true })
  expect(report).toMatchObject({ state: 'thin', skipped: ['summary'], result: { degraded: false } })
  expect(report.result).not.toHaveProperty('summary')
  expect(seen.map(({ key }) => key)).not.toContain('summary')
})

it('a summary that fails costs the summary, not the run', async () => {
  const { url } = await proxyOf((await chatOf()).url, ({ key }) => (key === 'summary' ? 500 : undefined))
  const report = await runVia(url)
  expect(report).toMatchObject({ state: 'done', result: { degraded: false } })
  expect(report.result).not.toHaveProperty('summary')
})

it('what the primary model cannot answer now the fallback answers, from then on alone', async () => {
  const { url, seen } = await proxyOf((await chatOf()).url, ({ model, key }) =>
    model === 'large' && key === 'act-1' ? 503 : undefined,
  )
  expect(await runVia(url, { thin: true })).toMatchObject({
    state: 'thin',
    result: { model: 'small', degraded: false },
  })
  expect(seen.map(({ key, model }) => `${model} ${key}`)).toEqual([
    'large plan',
    'large act-1',
    'small act-1.fallback',
    'small act-2.fallback',
    'small act-3.fallback',
  ])
})

it('a final refusal is not taken to the fallback: the job is dead', async () => {
  const { url, seen } = await proxyOf('', () => 401)
  expect(await runVia(url)).toMatchObject({ state: 'dead', error: { code: 'upstream-error' } })
  expect(seen).toHaveLength(1)
})

it('with no model left the job is retried, and its last attempt answers degraded from the context', async () => {
  const chat = await chatOf({ failureRate: 1 })
  for (const attempt of [1, 2, 3])
    expect(await runVia(chat.url, { attempt })).toMatchObject({
      state: 'retry',
      error: { code: 'upstream-error' },
    })
  const last = await runVia(chat.url, { attempt: 4 })
  expect(last).toMatchObject({
    state: 'done',
    result: {
      degraded: true,
      stop: 'degraded',
      answer: expect.stringContaining('Prices: The gold plan costs 40 EUR.'),
    },
    writes: [{ row: { degraded: true, model: null } }],
  })
  chat.adjust({ failureRate: 0 })
  expect(await runVia(chat.url, { attempt: 4 })).toMatchObject({ result: { degraded: false } })
})

it('without a fallback in the settings the failure of the primary is the failure', async () => {
  const { url } = await proxyOf('', () => 503)
  expect(await runVia(url, { settings: { model: 'large' } })).toMatchObject({
    state: 'retry',
    error: { message: 'chat: answered 503' },
  })
  expect(await runVia(url, { settings: { model: 'large', fallbackModel: '' } })).toMatchObject({
    error: { message: 'chat: answered 503' },
  })
  expect(await runVia(url, { settings: {} })).toMatchObject({
    state: 'dead',
    error: { code: 'permanent', message: 'upstream chat has no setting named model' },
  })
})

it('the last turn must be an answer: limits of turns and tokens end a run with one', async () => {
  const { url, seen } = await proxyOf((await chatOf()).url)
  expect(await runVia(url, { payload: { turnsMax: 2 } })).toMatchObject({
    result: { stop: 'turns', steps: 3 },
  })
  expect(seen.filter(({ key }) => key.startsWith('act')).map((one) => one.tool_choice)).toEqual([
    'auto',
    'none',
  ])
  expect(await runVia(url, { payload: { tokensMax: 1 } })).toMatchObject({
    result: { stop: 'tokens', steps: 2 },
  })
})

const event = (choice: object) => `data: ${JSON.stringify({ choices: [choice] })}\n\n`
const toolCall = (index: number, fields: object) => event({ delta: { tool_calls: [{ index, ...fields }] } })

it.each([
  ['no events', 'data: nonsense\n\n', 'streamed an event that is not JSON'],
  ['nothing', '', 'the stream ended before the answer did'],
  ['null', 'data: null\n\ndata: [DONE]\n\n', 'the stream ended before the answer did'],
  ['half an answer', event({ delta: { content: 'The ans' } }), 'the stream ended before the answer did'],
  ['an empty answer', event({ delta: {}, finish_reason: 'stop' }), 'answered with nothing'],
  ['an error', 'data: {"error":{"message":"overloaded"}}\n\n', 'broke off: overloaded'],
  [
    'a call of nothing',
    toolCall(0, {}) + event({ finish_reason: 'tool_calls' }),
    'sent a tool call without id or name',
  ],
  ['calls out of order', toolCall(5, { id: 'a' }), 'tool call 5 is out of order'],
  ['an index that is none', toolCall(-1, { id: 'a' }), 'tool call -1 is out of order'],
  [
    'too many calls',
    Array.from({ length: 9 }, (_, i) => toolCall(i, { id: 'a' })).join(''),
    'tool call 8 is out of order or above 8',
  ],
])('a model that streams %s is a failed model', async (_, stream, message) => {
  const url = await httpServer((_request, response) =>
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(stream),
  )
  const report = await runVia(url)
  expect(report).toMatchObject({ state: 'retry', error: { code: 'upstream-error' } })
  expect(report.error?.message).toContain(message)
})

it('a model that never stops talking is cut off', async () => {
  const url = await httpServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const pump = () => {
      while (response.write(event({ delta: { content: 'x'.repeat(10_000) } })));
    }
    response.on('drain', pump)
    pump()
  })
  expect(await runVia(url)).toMatchObject({
    state: 'retry',
    error: { message: 'chat: answered with more than 1048576 bytes' },
  })
})

it('a model that calls tools for ever is stopped, and the result stays storable', async () => {
  const calls = Array.from({ length: 8 }, (_, i) =>
    toolCall(i, {
      id: `c${i}`,
      function: { name: 'lookup', arguments: JSON.stringify({ query: '界'.repeat(1_000) }) },
    }),
  )
  const stream = `${event({ delta: { content: '界'.repeat(20_000) } })}${calls.join('')}${event({ finish_reason: 'tool_calls' })}`
  const url = await httpServer((_, response) =>
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(stream),
  )
  const report = await runVia(url, { payload: { tokensMax: 100_000_000 } })
  expect(report).toMatchObject({ state: 'done', result: { stop: 'turns' } })
  expect((report.result as { tools: unknown[] }).tools.length).toBeLessThanOrEqual(24)
})

it('an upstream that counts no tokens is counted by estimate', async () => {
  const stream = event({ delta: { content: 'x'.repeat(400) }, finish_reason: 'stop' })
  const url = await httpServer((_, response) =>
    response.writeHead(200, { 'content-type': 'text/event-stream' }).end(stream),
  )
  const { tokens } = (await runVia(url, { thin: true })).result as { tokens: number }
  expect(tokens).toBeGreaterThan(200)
})

it('the payload is bounded', () => {
  const check = (change: object) => Value.Check(agentRun.payload, { ...payload, ...change })
  expect(check({})).toBe(true)
  expect(check({ task: '' })).toBe(false)
  expect(check({ turnsMax: 11 })).toBe(false)
  expect(check({ context: Array(21).fill(payload.context[0]) })).toBe(false)
  expect(check({ model: 'mine' })).toBe(false)
})

import { expect, it, onTestFinished } from 'vitest'
import { type ChatBehaviour, startChatSimulator } from '../../../actors/upstreams/chat-simulator.ts'
import { readEvents } from '../../../runtime/handler/read-events.ts'

const calm = { latencyMedianMs: 0, failureRate: 0, rateLimitRate: 0 }

async function chatOf(behaviour: Partial<ChatBehaviour> & { seed?: number } = {}) {
  const simulator = await startChatSimulator({ ...calm, ...behaviour })
  onTestFinished(() => simulator.close())
  const post = (body: unknown) =>
    fetch(`${simulator.url}/v1/chat/completions`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  return { ...simulator, post }
}

const user = (content: string) => ({ role: 'user', content })
const tools = ['calculator', 'lookup'].map((name) => ({ type: 'function', function: { name } }))
const request = { model: 'sim', messages: [user('what is 2 + 3?')] }
const called = (name: string, output: string) => [
  { role: 'assistant', content: '', tool_calls: [{ id: 'c', function: { name } }] },
  { role: 'tool', tool_call_id: 'c', content: output },
]

it('an answer has the shape of the API, its usage included', async () => {
  const { post } = await chatOf()
  const response = await post(request)
  expect(response.status).toBe(200)
  expect(await response.json()).toMatchObject({
    id: expect.stringMatching(/^chatcmpl-\d+$/),
    object: 'chat.completion',
    model: 'sim',
    choices: [
      { index: 0, message: { role: 'assistant', content: expect.any(String) }, finish_reason: 'stop' },
    ],
    usage: {
      prompt_tokens: expect.any(Number),
      completion_tokens: expect.any(Number),
      total_tokens: expect.any(Number),
    },
  })
})

it('with tools it calls one a turn, then answers with what they said', async () => {
  const { post } = await chatOf()
  const turn = async (messages: object[]) => {
    const body = (await (await post({ ...request, tools, messages })).json()) as {
      choices: { message: object }[]
    }
    return body.choices[0]
  }
  const task = [user('what is 2 + 3 * 4?')]
  const looked = [...task, ...called('lookup', 'nothing')]
  expect(await turn(task)).toMatchObject({
    finish_reason: 'tool_calls',
    message: { content: null, tool_calls: [{ type: 'function', function: { name: 'lookup' } }] },
  })
  expect(await turn(looked)).toMatchObject({
    message: { tool_calls: [{ function: { name: 'calculator', arguments: '{"expression":"2 + 3 * 4"}' } }] },
  })
  expect(await turn([...looked, ...called('calculator', '14')])).toMatchObject({
    finish_reason: 'stop',
    message: { content: 'The tools say: nothing; 14' },
  })
})

it('tool_choice none makes it answer, and max_tokens cuts the answer', async () => {
  const { post } = await chatOf()
  const response = await post({ ...request, tools, tool_choice: 'none', max_tokens: 2 })
  expect(await response.json()).toMatchObject({
    choices: [{ message: { content: 'First lo' }, finish_reason: 'length' }],
    usage: { completion_tokens: 2 },
  })
})

it('a stream carries the same answer in pieces, then the usage, then [DONE]', async () => {
  const { post } = await chatOf()
  const whole = (await (await post(request)).json()) as {
    choices: { message: { content: string } }[]
    usage: object
  }
  const response = await post({ ...request, stream: true, stream_options: { include_usage: true } })
  const events = await Array.fromAsync(readEvents({ name: 'chat' }, response))
  expect(events.pop()).toBe('[DONE]')
  const chunks = events.map((event) => JSON.parse(event))
  expect(chunks.at(-1)).toMatchObject({ object: 'chat.completion.chunk', choices: [], usage: whole.usage })
  expect(chunks.at(-2).choices[0]).toMatchObject({ delta: {}, finish_reason: 'stop' })
  expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(
    whole.choices[0]?.message.content,
  )
})

it.each([
  ['{"model":', 'the body must be a JSON object'],
  ['[]', 'the body must be a JSON object'],
  [{ messages: [user('x')] }, 'model must be a string'],
  [{ model: 'm', messages: [] }, 'messages must be a list'],
  [{ model: 'm', messages: [{ role: 'robot', content: '' }] }, 'messages[0].role must be one of'],
  [{ model: 'm', messages: [{ role: 'user' }] }, 'messages[0].content must be a string'],
  [{ ...request, tools: [{}] }, 'each tool needs a function with a name'],
  [{ ...request, max_tokens: 0 }, 'max_tokens must be a whole number from 1 up'],
])('a request that is none is a 400 that says why: %j', async (body, message) => {
  const { post } = await chatOf()
  const response = await post(body)
  expect(response.status).toBe(400)
  const { error } = (await response.json()) as { error: { message: string; type: string } }
  expect(error.type).toBe('invalid_request_error')
  expect(error.message).toContain(message)
})

it('a body above the bound is a 413, another address a 404, another method a 405', async () => {
  const { post, url } = await chatOf()
  expect((await post('x'.repeat(1_048_577))).status).toBe(413)
  expect((await fetch(`${url}/v1/models`)).status).toBe(404)
  expect((await fetch(`${url}/v1/chat/completions`)).status).toBe(405)
})

it('overload is a 429 with Retry-After, failure a 500 or a stream that breaks off; both heal', async () => {
  const { post, adjust } = await chatOf({ rateLimitRate: 1 })
  const limited = await post(request)
  expect([limited.status, limited.headers.get('retry-after')]).toEqual([429, '2'])

  adjust({ rateLimitRate: 0, failureRate: 1 })
  expect((await post(request)).status).toBe(500)
  const streams = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const response = await post({ ...request, stream: true })
      return response.status === 500 ? 'refused' : response.text().catch(() => 'broken off')
    }),
  )
  expect([...new Set(streams)].sort()).toEqual(['broken off', 'refused'])

  adjust({ failureRate: 0 })
  expect((await post(request)).status).toBe(200)
})

it('one seed gives one run: the same requests fail', async () => {
  const run = async () => {
    const { post } = await chatOf({ seed: 42, failureRate: 0.3, rateLimitRate: 0.1 })
    const statuses: number[] = []
    for (let i = 0; i < 40; i++) statuses.push((await post(request)).status)
    return statuses
  }
  const statuses = await run()
  expect(new Set(statuses)).toEqual(new Set([200, 429, 500]))
  expect(await run()).toEqual(statuses)
})

it('closing cuts what is under way at once', async () => {
  const { post, close } = await chatOf({ latencyMedianMs: 60_000, latencySigma: 0 })
  const waiting = expect(post(request)).rejects.toThrow('fetch failed')
  await close()
  await waiting
})

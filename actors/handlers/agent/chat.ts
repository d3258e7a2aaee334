import { readEvents, readJson, type UpstreamCall, UpstreamError } from 'spillway'
import { cleanText } from './clean-text.ts'

/**
 * A client of the chat completions API as OpenAI defines it (https://platform.openai.com/docs/api-reference/chat), no
 * more of it than the agent needs. What a model sends is bounded and checked: it is somebody else's output.
 */
export interface ChatRequest {
  messages: readonly ChatMessage[]
  tools?: readonly object[]
  /** `none`: the tools are there to explain the transcript, but the model has to answer. */
  toolChoice?: 'auto' | 'none'
  tokensMax: number
}

export type ChatMessage =
  | { role: 'system' | 'user'; content: string }
  | { role: 'assistant'; content: string; tool_calls?: readonly object[] }
  | { role: 'tool'; tool_call_id: string; content: string }

export interface ToolCall {
  id: string
  name: string
  /** JSON, as the model wrote it. */
  arguments: string
}

export interface ChatAnswer {
  text: string
  toolCalls: ToolCall[]
  /** Prompt and completion together, as the upstream counted them. */
  tokens: number
  model: string
}

const TOOL_CALLS_MAX = 8
const ANSWER_CHARS_MAX = 8_000

/** Streams an answer (SSE). Rejects with UpstreamError for what is no answer or was cut off. */
export async function streamAnswer(
  chat: UpstreamCall,
  model: string,
  request: ChatRequest,
): Promise<ChatAnswer> {
  const response = await post(chat, model, request, { stream: true, stream_options: { include_usage: true } })
  const draft = emptyDraft()
  let finished = false
  for await (const data of readEvents(chat, response)) {
    if (data === '[DONE]') break
    const chunk = asObject(parse(chat.name, data))
    if (chunk.error !== undefined)
      throw new UpstreamError(chat.name, `broke off: ${excerpt(asObject(chunk.error).message)}`)
    const choice = firstChoice(chunk)
    add(chat.name, draft, asObject(choice.delta))
    finished ||= typeof choice.finish_reason === 'string'
    draft.tokens = tokensOf(chunk) ?? draft.tokens
  }
  if (!finished) throw new UpstreamError(chat.name, 'the stream ended before the answer did')
  return answerOf(chat.name, model, request, draft)
}

/** Asks for a whole answer at once. Rejects with UpstreamError. */
export async function wholeAnswer(
  chat: UpstreamCall,
  model: string,
  request: ChatRequest,
): Promise<ChatAnswer> {
  const completion = asObject(await readJson(chat, await post(chat, model, request, {})))
  const draft = { ...emptyDraft(), tokens: tokensOf(completion) }
  add(chat.name, draft, asObject(firstChoice(completion).message))
  return answerOf(chat.name, model, request, draft)
}

function post(chat: UpstreamCall, model: string, request: ChatRequest, extra: object): Promise<Response> {
  const { messages, tools, toolChoice, tokensMax } = request
  return fetch(`${chat.baseUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { ...chat.headers, 'content-type': 'application/json' },
    body: JSON.stringify({
      model,
      messages,
      tools,
      tool_choice: toolChoice,
      max_tokens: tokensMax,
      ...extra,
    }),
    signal: chat.signal,
  })
}

interface Draft {
  text: string
  toolCalls: ToolCall[]
  tokens: number | undefined
}

const emptyDraft = (): Draft => ({ text: '', toolCalls: [], tokens: undefined })

/** Adds a whole message, or the next piece of one: a stream sends names and arguments of tool calls in pieces. */
function add(upstream: string, draft: Draft, message: Loose): void {
  if (typeof message.content === 'string') draft.text += message.content
  if (!Array.isArray(message.tool_calls)) return
  message.tool_calls.map(asObject).forEach((piece, position) => {
    const index = typeof piece.index === 'number' ? piece.index : position
    if (!(index in draft.toolCalls) && (index !== draft.toolCalls.length || index >= TOOL_CALLS_MAX))
      throw new UpstreamError(upstream, `tool call ${index} is out of order or above ${TOOL_CALLS_MAX}`)
    draft.toolCalls[index] ??= { id: '', name: '', arguments: '' }
    const call = draft.toolCalls[index]
    const { name, arguments: json } = asObject(piece.function)
    if (typeof piece.id === 'string') call.id ||= piece.id
    if (typeof name === 'string') call.name += name
    if (typeof json === 'string') call.arguments += json
  })
}

function answerOf(upstream: string, model: string, request: ChatRequest, draft: Draft): ChatAnswer {
  const { toolCalls, tokens } = draft
  const text = cleanText(draft.text, ANSWER_CHARS_MAX)
  if (text === '' && toolCalls.length === 0) throw new UpstreamError(upstream, 'answered with nothing')
  if (toolCalls.some(({ id, name }) => id === '' || name === ''))
    throw new UpstreamError(upstream, 'sent a tool call without id or name')
  return { text, toolCalls, model, tokens: tokens ?? estimatedTokens(request, text) }
}

/** For upstreams that do not count: a budget that nobody counts against is none. About four characters a token. */
const estimatedTokens = ({ messages }: ChatRequest, text: string): number =>
  Math.ceil((JSON.stringify(messages).length + text.length) / 4)

type Loose = Readonly<Record<string, unknown>>

const asObject = (value: unknown): Loose =>
  typeof value === 'object' && value !== null ? (value as Loose) : {}
const firstChoice = ({ choices }: Loose): Loose => asObject(Array.isArray(choices) ? choices[0] : undefined)
const excerpt = (message: unknown): string => String(message).slice(0, 200)

function tokensOf({ usage }: Loose): number | undefined {
  const { total_tokens: tokens } = asObject(usage)
  return Number.isSafeInteger(tokens) && (tokens as number) >= 0 ? (tokens as number) : undefined
}

function parse(upstream: string, data: string): unknown {
  try {
    return JSON.parse(data)
  } catch (cause) {
    throw new UpstreamError(upstream, 'streamed an event that is not JSON', { cause })
  }
}

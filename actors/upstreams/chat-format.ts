import type { ModelMessage, ModelReply } from './scripted-model.ts'

/** Requests and answers of the chat completions API, as far as the simulator speaks it. Pure. */
export interface ChatRequest {
  model: string
  messages: ModelMessage[]
  /** Names of the tools that may be called; empty with `tool_choice: "none"`. */
  tools: string[]
  tokensMax: number
  stream: boolean
  includeUsage: boolean
}

const ROLES = ['system', 'user', 'assistant', 'tool']
const TOKENS_MAX = 4_096
const CHARS_PER_TOKEN = 4
const PIECES_MAX = 8

type Loose = Readonly<Record<string, unknown>>
const asObject = (value: unknown): Loose =>
  typeof value === 'object' && value !== null ? (value as Loose) : {}

/** What is wrong with it, when it is no request. */
export function parseChatRequest(body: Loose | undefined): ChatRequest | string {
  if (body === undefined) return 'the body must be a JSON object'
  const { model, messages, tools = [], tool_choice: choice, max_tokens: tokensMax = TOKENS_MAX } = body
  if (typeof model !== 'string' || model === '') return 'model must be a string'
  if (!Array.isArray(messages) || messages.length === 0)
    return 'messages must be a list with one message or more'
  for (const [i, message] of messages.entries()) {
    const { role, content } = asObject(message)
    if (!ROLES.includes(role as string)) return `messages[${i}].role must be one of ${ROLES.join(', ')}`
    if (typeof content !== 'string') return `messages[${i}].content must be a string`
  }
  if (!Array.isArray(tools)) return 'tools must be a list'
  const names = tools.map((tool) => asObject(asObject(tool).function).name)
  if (!names.every((name) => typeof name === 'string')) return 'each tool needs a function with a name'
  if (!Number.isInteger(tokensMax) || (tokensMax as number) < 1)
    return 'max_tokens must be a whole number from 1 up'
  return {
    model,
    messages,
    tools: choice === 'none' ? [] : names,
    tokensMax: tokensMax as number,
    stream: body.stream === true,
    includeUsage: asObject(body.stream_options).include_usage === true,
  }
}

interface Choice {
  text: string
  toolCalls: object[] | undefined
  finishReason: 'stop' | 'length' | 'tool_calls'
  usage: object
}

function choiceOf(id: string, { messages, tokensMax }: ChatRequest, reply: ModelReply): Choice {
  const called = 'tool' in reply
  const written = called ? reply.arguments : reply.text
  const text = called ? '' : reply.text.slice(0, tokensMax * CHARS_PER_TOKEN)
  const promptTokens = tokens(JSON.stringify(messages))
  const completionTokens = tokens(called ? written : text)
  return {
    text,
    toolCalls: called
      ? [{ id: `call_${id}`, type: 'function', function: { name: reply.tool, arguments: reply.arguments } }]
      : undefined,
    finishReason: called ? 'tool_calls' : text.length < written.length ? 'length' : 'stop',
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
    },
  }
}

const tokens = (text: string): number => Math.ceil(text.length / CHARS_PER_TOKEN)

export function completion(id: string, request: ChatRequest, reply: ModelReply): object {
  const { text, toolCalls, finishReason, usage } = choiceOf(id, request, reply)
  const message = { role: 'assistant', content: toolCalls === undefined ? text : null, tool_calls: toolCalls }
  return {
    id,
    object: 'chat.completion',
    model: request.model,
    choices: [{ index: 0, message, finish_reason: finishReason }],
    usage,
  }
}

/** The pieces of a streamed answer, each one event or more, `[DONE]` in the last. */
export function completionPieces(id: string, request: ChatRequest, reply: ModelReply): string[] {
  const { text, finishReason, usage } = choiceOf(id, request, reply)
  const event = (fields: object) =>
    `data: ${JSON.stringify({ id, object: 'chat.completion.chunk', model: request.model, ...fields })}\n\n`
  const delta = (piece: object, reason: string | null = null) =>
    event({ choices: [{ index: 0, delta: piece, finish_reason: reason }] })
  const end = [
    delta({}, finishReason),
    ...(request.includeUsage ? [event({ choices: [], usage })] : []),
    'data: [DONE]\n\n',
  ]
  const deltas =
    'tool' in reply
      ? toolCallDeltas(`call_${id}`, reply.tool, reply.arguments)
      : inPieces(text, PIECES_MAX).map((content) => ({ content }))
  return [delta({ role: 'assistant', content: '' }), ...deltas.map((piece) => delta(piece)), end.join('')]
}

/** Name first, then the arguments in pieces that are no JSON by themselves, as the real ones come. */
const toolCallDeltas = (id: string, name: string, json: string): object[] => [
  { tool_calls: [{ index: 0, id, type: 'function', function: { name, arguments: '' } }] },
  ...inPieces(json, 3).map((piece) => ({ tool_calls: [{ index: 0, function: { arguments: piece } }] })),
]

function inPieces(text: string, piecesMax: number): string[] {
  const chars = Math.max(1, Math.ceil(text.length / piecesMax))
  return Array.from({ length: Math.ceil(text.length / chars) }, (_, i) =>
    text.slice(i * chars, (i + 1) * chars),
  )
}

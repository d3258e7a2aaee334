import { setTimeout as delay } from 'node:timers/promises'
import { type Chance, seededChance } from './chance.ts'
import { completion, completionPieces, parseChatRequest } from './chat-format.ts'
import { reply } from './scripted-model.ts'
import { type Exchange, parseObject, sendJson, startSimulatedServer } from './simulated-server.ts'

/**
 * A simulated OpenAI-compatible API: `POST /v1/chat/completions`, whole or streamed (SSE), with tool calls and usage.
 *
 *     latency     log-normal; a stream sends its first piece after 40 % of it and the rest evenly over the remainder
 *     overload    429 with Retry-After, at once, at random
 *     failure     500 after the latency; half of the streams that fail break off in the middle instead
 */
export interface ChatBehaviour {
  latencyMedianMs: number
  latencySigma: number
  /** 0–1, of all requests. */
  failureRate: number
  /** 0–1, of all requests. */
  rateLimitRate: number
}

export interface ChatSimulator {
  url: string
  /** Takes effect with the next request. */
  adjust(change: Partial<ChatBehaviour>): void
  close(): Promise<void>
}

export const CHAT_DEFAULTS: ChatBehaviour = {
  latencyMedianMs: 300,
  latencySigma: 0.4,
  failureRate: 0.02,
  rateLimitRate: 0.01,
}

const RETRY_AFTER_S = 2
const FIRST_PIECE = 0.4

export async function startChatSimulator(
  options: Partial<ChatBehaviour> & { seed?: number; port?: number } = {},
): Promise<ChatSimulator> {
  const { seed = 1, port = 0, ...changes } = options
  const chance = seededChance(seed)
  let behaviour = { ...CHAT_DEFAULTS, ...changes }
  let requests = 0
  const server = await startSimulatedServer(port, (exchange) =>
    answer(exchange, `chatcmpl-${++requests}`, drawFate(behaviour, chance)),
  )
  return {
    ...server,
    adjust(change) {
      behaviour = { ...behaviour, ...change }
    },
  }
}

interface Fate {
  limited: boolean
  failing: boolean
  breaksOff: boolean
  latencyMs: number
}

/** Always the same number of draws, whatever becomes of the request: one seed, one run. */
const drawFate = (behaviour: ChatBehaviour, chance: Chance): Fate => ({
  limited: chance.happens(behaviour.rateLimitRate),
  failing: chance.happens(behaviour.failureRate),
  breaksOff: chance.happens(0.5),
  latencyMs: chance.logNormalMs(behaviour.latencyMedianMs, behaviour.latencySigma),
})

async function answer(exchange: Exchange, id: string, fate: Fate): Promise<void> {
  const { method, path, body, response, gone } = exchange
  if (path !== '/v1/chat/completions') return refuse(exchange, 404, `there is nothing at ${path}`)
  if (method !== 'POST') return refuse(exchange, 405, `${method} is not answered here`)
  const request = parseChatRequest(parseObject(body))
  if (typeof request === 'string') return refuse(exchange, 400, request)
  if (fate.limited)
    return refuse(exchange, 429, 'rate limit reached', { 'retry-after': String(RETRY_AFTER_S) })

  const failsAtOnce = fate.failing && !(request.stream && fate.breaksOff)
  if (!request.stream || failsAtOnce) {
    await delay(fate.latencyMs, undefined, { signal: gone })
    if (failsAtOnce) return refuse(exchange, 500, 'the server had an error while processing the request')
    return sendJson(response, 200, completion(id, request, reply(request)))
  }
  return stream(exchange, completionPieces(id, request, reply(request)), fate)
}

async function stream({ response, gone }: Exchange, pieces: readonly string[], fate: Fate): Promise<void> {
  const pieceMs = (fate.latencyMs * (1 - FIRST_PIECE)) / (pieces.length - 1)
  const sent = fate.failing ? pieces.slice(0, Math.floor(pieces.length / 2)) : pieces
  await delay(fate.latencyMs * FIRST_PIECE, undefined, { signal: gone })
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  for (const [i, piece] of sent.entries()) {
    if (i > 0) await delay(pieceMs, undefined, { signal: gone })
    response.write(piece)
  }
  if (fate.failing) response.destroy()
  else response.end()
}

function refuse(
  { response }: Exchange,
  status: number,
  message: string,
  headers: Record<string, string> = {},
): void {
  const type = status >= 500 ? 'server_error' : status === 429 ? 'rate_limit_error' : 'invalid_request_error'
  sendJson(response, status, { error: { message, type, code: null } }, headers)
}

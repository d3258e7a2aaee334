import type { Logger } from 'pino'
import { BOUNDS } from '../config/bounds.ts'
import { PROBLEMS, problemDocument } from '../job/problem.ts'
import { continueTrace, type Trace } from '../job/trace.ts'
import { BodyBuffer } from './body-buffer.ts'
import type { HttpStats } from './http-stats.ts'
import { type Refusal, refuse } from './refusal.ts'
import { type HeaderList, type RequestWire, type ResponseWire, send } from './wire.ts'

/**
 * One HTTP request and its answer.
 *
 *     handling ──receive──► receiving ──last chunk──► waiting ──respond──► answered
 *         └──────────respond───────┴──► answered        any ──client gone──► aborted
 *
 * Answered exactly once: once answered or aborted, `respond`, `refuse` and `fail` do nothing, so that no caller has to
 * ask. Headers can be read until the handler returns (the server reuses their memory); later it throws. Every answer
 * carries the trace id, every problem is a document of RFC 9457.
 */
export class Exchange {
  /** As in the table of routes, for example `GET /v1/jobs/:id`. */
  readonly route: string
  readonly method: string
  readonly trace: Trace
  /** Bytes of the body by its Content-Length header; undefined when there is none, or no length in it. */
  readonly declaredBytes: number | undefined
  readonly #server: ExchangeServer
  #response: ResponseWire | undefined
  #request: RequestWire | undefined
  #incoming: IncomingBody | undefined

  constructor(server: ExchangeServer, route: string, response: ResponseWire, request: RequestWire) {
    this.route = route
    this.method = request.getCaseSensitiveMethod()
    this.trace = continueTrace(request.getHeader('traceparent'))
    this.declaredBytes = lengthOf(request.getHeader('content-length'))
    this.#server = server
    this.#response = response
    this.#request = request
  }

  /** A request header, by its name in lower case; undefined when absent or empty. */
  header(name: string): string | undefined {
    return this.#live().getHeader(name) || undefined
  }

  /** The n-th parameter of the route's path, as sent. */
  parameter(index: number): string {
    return this.#live().getParameter(index) ?? ''
  }

  get path(): string {
    return this.#live().getUrl()
  }

  /** Hands the body over once it is complete. Beyond `bytesMax` answers 413, at once when the header declares it. */
  receive(bytesMax: number, receiver: BodyReceiver): void {
    this.#incoming = { bytesMax, receiver, buffer: new BodyBuffer() }
    if ((this.declaredBytes ?? 0) > bytesMax) this.#refuseBody(bytesMax)
    else this.#response?.onData((chunk, isLast) => this.#collect(chunk, isLast))
  }

  respond(status: number, headers: HeaderList, body = ''): void {
    const response = this.#response
    if (!response) return
    const { stats, closing } = this.#server
    stats.answers[status] = (stats.answers[status] ?? 0) + 1
    const closeConnection = closing || this.#restIsCostly()
    this.#response = undefined
    const bodiless = this.method === 'HEAD'
    send(response, { status, traceId: this.trace.traceId, headers, body, bodiless, closeConnection })
  }

  refuse({ code, detail, retryAfterS }: Omit<Refusal, 'ok'>, extraHeaders: HeaderList = []): void {
    if (!this.#response) return
    const { status } = PROBLEMS[code]
    const headers = [PROBLEM_JSON, ...extraHeaders]
    if (retryAfterS !== undefined) headers.push(['retry-after', String(Math.ceil(retryAfterS))])
    if (status === 401) headers.push(['www-authenticate', 'Bearer'])
    this.#server.stats.problems[code]++
    this.respond(status, headers, JSON.stringify(problemDocument(code, this.trace.traceId, detail)))
  }

  /** Answers 500 for an error that nobody expected, and logs it. */
  fail(error: unknown): void {
    this.#server.logger.error(
      { err: error, route: this.route, traceId: this.trace.traceId },
      'request failed',
    )
    this.refuse({ code: 'internal-error' })
  }

  /** For the server: the handler has returned, and what the request was read from is gone. */
  handled(): void {
    this.#request = undefined
    this.#response?.onAborted(() => this.#abort())
  }

  #live(): RequestWire {
    if (!this.#request) throw new Error(`${this.route}: a request is read before its handler returns`)
    return this.#request
  }

  #collect(chunk: ArrayBuffer, isLast: boolean): void {
    this.#server.stats.bytesIn += chunk.byteLength
    const incoming = this.#incoming
    if (!incoming) return
    const { buffer, bytesMax } = incoming
    if (buffer.length + chunk.byteLength > bytesMax) this.#refuseBody(bytesMax)
    else {
      buffer.append(new Uint8Array(chunk))
      if (isLast) this.#deliver(incoming)
    }
  }

  #deliver({ buffer, receiver }: IncomingBody): void {
    this.#incoming = undefined
    try {
      receiver.onBody(buffer.take())
    } catch (error) {
      this.fail(error)
      receiver.onLost()
    }
  }

  #refuseBody(bytesMax: number): void {
    this.refuse(refuse('body-too-large', `more than the ${bytesMax} bytes that are accepted here`))
    this.#loseBody()
  }

  #abort(): void {
    this.#server.stats.aborted++
    this.#response = undefined
    this.#loseBody()
  }

  #loseBody(): void {
    const receiver = this.#incoming?.receiver
    this.#incoming = undefined
    receiver?.onLost()
  }

  /**
   * When answering before the body is read: a small rest is cheaper to skip than a new connection, above all under
   * overload; a large one, or one of unknown length, is not.
   */
  #restIsCostly(): boolean {
    if (!this.#request) return this.#incoming !== undefined
    return (this.declaredBytes ?? 0) > SKIPPED_BYTES_MAX || this.header('transfer-encoding') !== undefined
  }
}

export interface BodyReceiver {
  /** The complete body; its memory is the receiver's. Throwing answers 500 and calls `onLost`. */
  onBody(body: Buffer): void
  /** There will be no body: the client is gone, or it was too large. Nothing is left to answer. */
  onLost(): void
}

/** What an exchange needs of its server. */
export interface ExchangeServer {
  readonly stats: HttpStats
  readonly logger: Logger
  /** Every answer closes its connection. */
  readonly closing: boolean
}

interface IncomingBody {
  bytesMax: number
  receiver: BodyReceiver
  buffer: BodyBuffer
}

function lengthOf(contentLength: string): number | undefined {
  const length = Number(contentLength || Number.NaN)
  return Number.isSafeInteger(length) && length >= 0 ? length : undefined
}

const SKIPPED_BYTES_MAX = BOUNDS.http.skippedBodyBytesMax
const PROBLEM_JSON = ['content-type', 'application/problem+json'] as const

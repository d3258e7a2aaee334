import type { Logger } from 'pino'
import type { Exchange } from '../../runtime/http/exchange.ts'
import { type Address, HttpServer } from '../../runtime/http/http-server.ts'
import { zeroPerProblem } from '../../runtime/http/http-stats.ts'
import { type Checked, type Refusal, refuse } from '../../runtime/http/refusal.ts'
import { isJobId } from '../../runtime/job/id.ts'
import type { ProblemCode } from '../../runtime/job/problem.ts'
import type { Submission } from '../../runtime/job/submission.ts'
import type { Catalogue } from './catalogue.ts'
import type { IngressContext, IngressLimits, IngressStats } from './context.ts'
import { quoted } from './did-you-mean.ts'
import { InFlight } from './in-flight.ts'
import { type JobView, renderJob } from './job-view.ts'
import type { JobOrigin } from './pending-job.ts'
import { IncomingBatch } from './post-batch.ts'
import { IncomingJob } from './post-job.ts'
import {
  BATCH_MEDIA_TYPES,
  idempotencyKeyOf,
  JOB_MEDIA_TYPES,
  noIdempotencyKey,
  type RequestHeaders,
  refuseMedia,
} from './request-headers.ts'
import { TurnBatch } from './turn-batch.ts'

/**
 * The front door: HTTP in, submissions out, verdicts back as answers. The order of a POST, each step cheaper than the
 * next, and everything up to admission decided from the headers, before the body is read:
 *
 *     trace ─► draining? ─► room? ─► credential ─► encoding, type ─► Idempotency-Key ─► admission ─► body ─► JSON ─► schema
 *               503         503      401           415               400                429/503      413     400     400
 *     ─► Submission ─► (end of the turn) submit(batch) ─► settle(verdict) ─► answer
 *
 * A client that goes away takes only its answer with it: what was handed on may be durable already, and goes on.
 */
export class Ingress {
  readonly stats: IngressStats
  readonly #options: IngressOptions
  readonly #context: IngressContext
  readonly #server: HttpServer
  #draining = false

  constructor(options: IngressOptions) {
    const { catalogue, limits, logger } = options
    checkLimits(limits)
    const inFlight = new InFlight(limits.requestsInFlightMax, limits.bodyBytesInFlightMax)
    const outbox = new TurnBatch<Submission>((batch) => options.submit(batch))
    const jobs = { accepted: 0, replayed: 0, refusedLines: zeroPerProblem() }
    this.#options = options
    this.#context = { catalogue, limits, inFlight, outbox, jobs, logger, now: () => options.now() }
    this.#server = new HttpServer(
      [
        { method: 'POST', path: '/v1/jobs', handle: (exchange) => this.#postJob(exchange) },
        { method: 'POST', path: '/v1/jobs/batch', handle: (exchange) => this.#postBatch(exchange) },
        { method: 'GET', path: '/v1/jobs/:id', handle: (exchange) => this.#getJob(exchange) },
      ],
      logger,
    )
    this.stats = {
      http: this.#server.stats,
      jobs,
      get requestsInFlight() {
        return inFlight.requests
      },
      get bodyBytesInFlight() {
        return inFlight.bodyBytes
      },
    }
  }

  /** Returns the port. Throws when the address cannot be had. */
  listen(address: Address): number {
    return this.#server.listen(address)
  }

  /** Stops listening and refuses what still comes; resolves when every request under way has its answer. */
  async drain(): Promise<void> {
    this.#draining = true
    this.#server.close()
    await this.#context.inFlight.idle()
    // The last answer leaves at the end of the turn that gave it.
    await new Promise(setImmediate)
  }

  /** Closes every connection. Answers still owed are dropped, submissions are not. */
  close(): void {
    this.#draining = true
    this.#server.cut()
  }

  #postJob(exchange: Exchange): void {
    const { bodyBytesMax } = this.#context.limits
    const reservedBytes = reservation(exchange, bodyBytesMax)
    const origin = this.#admit(exchange, reservedBytes, JOB_MEDIA_TYPES, idempotencyKeyOf)
    if (!origin.ok) exchange.refuse(origin)
    else {
      this.#context.inFlight.enter(reservedBytes)
      exchange.receive(bodyBytesMax, new IncomingJob(this.#context, exchange, origin.value, reservedBytes))
    }
  }

  #postBatch(exchange: Exchange): void {
    const { batchBytesMax } = this.#context.limits
    const reservedBytes = reservation(exchange, batchBytesMax)
    const origin = this.#admit(exchange, reservedBytes, BATCH_MEDIA_TYPES, noIdempotencyKey)
    if (!origin.ok) exchange.refuse(origin)
    else {
      this.#context.inFlight.enter(reservedBytes)
      const { tenant } = origin.value
      exchange.receive(batchBytesMax, new IncomingBatch(this.#context, exchange, tenant, reservedBytes))
    }
  }

  async #getJob(exchange: Exchange): Promise<void> {
    const { inFlight, logger } = this.#context
    const id = exchange.parameter(0)
    const tenant = this.#authenticate(exchange, 0)
    if (!tenant.ok) return exchange.refuse(tenant)
    const notFound = refuse('job-not-found', `no job ${quoted(id)} of yours`)
    if (!isJobId(id)) return exchange.refuse(notFound)
    inFlight.enter(0)
    try {
      const view = await this.#options.lookup(tenant.value, id)
      if (view) exchange.respond(200, [JSON_TYPE], renderJob(view))
      else exchange.refuse(notFound)
    } catch (error) {
      logger.warn({ err: error, traceId: exchange.trace.traceId }, 'a job could not be looked up')
      exchange.refuse(refuse('store-unavailable', undefined, RETRY_AFTER_S))
    } finally {
      inFlight.leave(0)
    }
  }

  /** All that the headers decide about a job or a batch of them. */
  #admit(
    exchange: Exchange,
    bodyBytes: number,
    mediaTypes: readonly string[],
    readKey: (headers: RequestHeaders) => Checked<string | undefined>,
  ): Checked<JobOrigin> {
    const tenant = this.#authenticate(exchange, bodyBytes)
    if (!tenant.ok) return tenant
    const media = refuseMedia(exchange, mediaTypes)
    if (media) return media
    const key = readKey(exchange)
    if (!key.ok) return key
    const admission = this.#options.admit(tenant.value)
    if (!admission.ok) return admission
    return { ok: true, value: { tenant: tenant.value, idempotencyKey: key.value, trace: exchange.trace } }
  }

  #authenticate(exchange: Exchange, bodyBytes: number): Checked<string> {
    if (this.#draining) return refuse('draining', undefined, RETRY_AFTER_S)
    if (!this.#context.inFlight.hasRoom(bodyBytes))
      return refuse('temporary-reduced-capacity', 'this node has too many requests in flight', RETRY_AFTER_S)
    const credential = this.#options.authenticate(exchange)
    return typeof credential === 'string' ? refuse(credential) : { ok: true, value: credential.tenant }
  }
}

/** The stages around the ingress, as it sees them. None of these may throw; `submit` and `authenticate` may not wait. */
export interface IngressOptions {
  catalogue: Catalogue
  limits: IngressLimits
  authenticate(headers: RequestHeaders): { tenant: string } | ProblemCode
  /** A first look, before the body is read: by tenant only, once per request. What each job costs is charged later. */
  admit(tenant: string): { ok: true } | Refusal
  /** What one turn of the event loop brought, in order. Each is settled exactly once, whenever its verdict is known. */
  submit(batch: Submission[]): void
  /** Undefined for what does not exist and for what is another tenant's. A rejection is answered 503. */
  lookup(tenant: string, id: string): Promise<JobView | undefined>
  /** Ms since 1970. */
  now(): number
  logger: Logger
}

function checkLimits({ bodyBytesMax, batchBytesMax, bodyBytesInFlightMax }: IngressLimits): void {
  const needed = Math.max(bodyBytesMax, batchBytesMax)
  if (bodyBytesInFlightMax < needed)
    throw new Error(
      `bodyBytesInFlightMax ${bodyBytesInFlightMax} must hold the largest body that is accepted, ${needed} bytes`,
    )
}

/** Where the node cannot know better. */
const RETRY_AFTER_S = 1
const JSON_TYPE = ['content-type', 'application/json'] as const

/** Bytes to set aside for a body before it is read; what declares no length may be as long as is allowed. */
const reservation = (exchange: Exchange, bytesMax: number): number =>
  Math.min(exchange.declaredBytes ?? bytesMax, bytesMax)

import { BOUNDS } from '../../runtime/config/bounds.ts'
import { type HandlerContext, type HandlerLog, PermanentError } from '../../runtime/handler/context.ts'
import type { UpstreamsConfig } from '../../runtime/handler/upstream-config.ts'
import type { Envelope } from '../../runtime/job/envelope.ts'
import { traceIdOf } from '../../runtime/job/trace.ts'
import { callUpstream } from './call-upstream.ts'
import type { Deadline } from './deadline.ts'

/** What one run hands to its handler, and what it learns from it. */
export interface Run {
  context: HandlerContext
  /** Enrichments left out so far, each named once; of very many, the first. */
  skipped: readonly string[]
}

export interface RunConditions {
  thin: boolean
  lastAttempt: boolean
  upstreams: UpstreamsConfig
  log: HandlerLog
}

/** Safe in an HTTP header, and short enough for upstreams that limit the length of the key. */
const STEP = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/

const SKIPPED_NAMES_MAX = BOUNDS.pool.skippedNamesMax
const SKIPPED_NAME_CHARS_MAX = 100

/** A class for the sake of `signal`, which is made on demand: a getter in a literal costs every run a hidden class. */
class RunContext implements HandlerContext {
  readonly tenant: string
  readonly traceparent: string
  readonly thin: boolean
  readonly attempt: number
  readonly lastAttempt: boolean
  readonly enrich: HandlerContext['enrich']
  readonly call: HandlerContext['call']
  readonly log: HandlerLog
  readonly #deadline: Deadline

  constructor(deadline: Deadline, rest: Omit<HandlerContext, 'signal'>) {
    this.#deadline = deadline
    this.tenant = rest.tenant
    this.traceparent = rest.traceparent
    this.thin = rest.thin
    this.attempt = rest.attempt
    this.lastAttempt = rest.lastAttempt
    this.enrich = rest.enrich
    this.call = rest.call
    this.log = rest.log
  }

  get signal(): AbortSignal {
    return this.#deadline.signal
  }
}

/** No method uses `this`: a handler may take the context apart. */
export function openRun(envelope: Envelope, deadline: Deadline, conditions: RunConditions): Run {
  const { id, tenant, kind, attempt, traceparent } = envelope
  const { thin, lastAttempt, upstreams, log } = conditions
  const skipped: string[] = []
  const steps = new Set<string>()
  const about = { jobId: id, tenant, kind, attempt, traceId: traceIdOf(traceparent) }

  const context = new RunContext(deadline, {
    tenant,
    traceparent,
    thin,
    attempt,
    lastAttempt,
    async enrich(name, fn) {
      if (!thin) return fn()
      recordSkipped(skipped, name)
      return undefined
    },
    call(name, step, fn) {
      const result = checkedCall(name, step, fn)
      // A handler that fails at one of several calls in flight does not see the others fail: that must not end the thread.
      result.catch(() => {})
      return result
    },
    log: {
      info: (fields, message) => log.info({ ...fields, ...about }, message),
      warn: (fields, message) => log.warn({ ...fields, ...about }, message),
    },
  })

  const checkedCall: HandlerContext['call'] = async (name, step, fn) => {
    const upstream = Object.hasOwn(upstreams, name) ? upstreams[name] : undefined
    if (upstream === undefined)
      throw new PermanentError(
        `upstream ${name} is not configured; there are: ${Object.keys(upstreams).join(', ') || 'none'}`,
      )
    if (!STEP.test(step)) throw new PermanentError(`step ${JSON.stringify(step)} must match ${STEP}`)
    // Two calls under one Idempotency-Key: the upstream would answer the second with the first one's result.
    if (steps.has(step)) throw new PermanentError(`step ${step} is used twice in one run; name each call`)
    steps.add(step)
    const headers = { 'idempotency-key': `${id}/${step}`, traceparent }
    return callUpstream(name, upstream, headers, deadline.signal, fn)
  }

  return { context, skipped }
}

/** Whatever a handler in JavaScript gives for a name: text of a bounded length from here on. */
function recordSkipped(skipped: string[], name: unknown): void {
  if (skipped.length === SKIPPED_NAMES_MAX) return
  const text = String(name).slice(0, SKIPPED_NAME_CHARS_MAX)
  if (!skipped.includes(text)) skipped.push(text)
}

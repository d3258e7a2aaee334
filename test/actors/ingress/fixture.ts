import { pino } from 'pino'
import { Type } from 'typebox'
import { onTestFinished } from 'vitest'
import { compileCatalogue } from '../../../actors/ingress/catalogue.ts'
import type { IngressLimits } from '../../../actors/ingress/context.ts'
import { Ingress, type IngressOptions } from '../../../actors/ingress/ingress.ts'
import { defineHandler } from '../../../runtime/handler/define-handler.ts'
import type { Submission, SubmissionVerdict } from '../../../runtime/job/submission.ts'
import { type Call, call, type Reply } from '../../support/http-client.ts'

export const KINDS = compileCatalogue([
  defineHandler({
    kind: 'lead.qualify',
    pool: 'a',
    timeoutMs: 1_000,
    payload: Type.Object({ email: Type.String({ maxLength: 2_000_000 }) }),
    handle: () => ({}),
  }),
  defineHandler({
    kind: 'crm.sync',
    pool: 'c',
    timeoutMs: 1_000,
    orderedTier: 'critical',
    payload: Type.Object({ contact: Type.Integer() }, { additionalProperties: false }),
    handle: () => ({}),
  }),
])

export const NOW_MS = Date.UTC(2026, 0, 2, 3, 4, 5)
const LIMITS: IngressLimits = {
  bodyBytesMax: 4_096,
  batchBytesMax: 32_768,
  batchLinesMax: 10,
  requestsInFlightMax: 8,
  bodyBytesInFlightMax: 131_072,
}

/** The stage behind the ingress: keeps the batches it is given, and settles at once unless told to hold. */
class NextStage {
  readonly batches: Submission[][] = []
  verdict: (submission: Submission) => SubmissionVerdict | 'later' = acceptance

  get submissions(): Submission[] {
    return this.batches.flat()
  }

  submit(batch: Submission[]): void {
    this.batches.push(batch)
    for (const submission of batch) {
      const verdict = this.verdict(submission)
      if (verdict !== 'later') submission.settle(verdict)
    }
  }
}

export const JOB_ID = `00abc${'x'.repeat(43)}`
export const acceptance = ({ traceId }: Submission): SubmissionVerdict => ({
  accepted: true,
  id: JOB_ID,
  traceId,
  replayed: false,
})

export interface Fixture {
  ingress: Ingress
  port: number
  next: NextStage
  /** A request with a valid credential and media type, unless its headers say otherwise. */
  post(body: string | Uint8Array, more?: Call): Promise<Reply>
}

/** An ingress on a free port, closed after the test. The key `key-of-<tenant>` is that tenant's. */
export function startIngress(
  options: Partial<Omit<IngressOptions, 'limits'>> & { limits?: Partial<IngressLimits> } = {},
): Fixture {
  const next = new NextStage()
  const ingress = new Ingress({
    catalogue: KINDS,
    authenticate: (headers) => {
      const key = headers.header('x-api-key')
      if (key === undefined) return 'missing-credential'
      return key.startsWith('key-of-') ? { tenant: key.slice(7) } : 'invalid-credential'
    },
    admit: () => ({ ok: true }),
    submit: (batch) => next.submit(batch),
    lookup: async () => undefined,
    now: () => NOW_MS,
    logger: pino({ level: 'silent' }),
    ...options,
    limits: { ...LIMITS, ...options.limits },
  })
  const port = ingress.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => ingress.close())
  const post: Fixture['post'] = (body, { headers, ...more } = {}) =>
    call(port, { method: 'POST', path: '/v1/jobs', body, headers: { ...HEADERS, ...headers }, ...more })
  return { ingress, port, next, post }
}

export const HEADERS = { 'x-api-key': 'key-of-acme', 'content-type': 'application/json' }
export const BATCH_HEADERS = { 'content-type': 'application/x-ndjson' }

export const lead = (more: object = {}): string =>
  JSON.stringify({ kind: 'lead.qualify', payload: { email: 'ada@example.com' }, ...more })

import type { Pool } from './lane.ts'
import type { ProblemCode } from './problem.ts'
import type { Tier } from './tier.ts'

/** A request that passed the ingress: authenticated, parsed, valid; not yet claimed, not yet durable. */
export interface Submission {
  tenant: string
  kind: string
  pool: Pool
  tier: Tier
  orderingKey: string | undefined
  idempotencyKey: string | undefined
  /** Owns its memory. */
  body: Uint8Array
  traceId: string
  traceparent: string
  receivedAtMs: number
  /** Called exactly once, never throws. */
  settle(verdict: SubmissionVerdict): void
}

export type SubmissionVerdict =
  /** Durable in the log. `replayed`: an earlier request was; its id and trace id are given. */
  | { accepted: true; id: string; traceId: string; replayed: boolean }
  | { accepted: false; problem: ProblemCode; retryAfterS?: number; detail?: string }

/**
 * The claim port: who may append a request first (DESIGN section 4). A cache that saves work and answers
 * duplicates well; the job table decides. Adapters: `memory-claims.ts` (embedded); each passes
 * `test/suites/claims-suite.ts`.
 *
 *     none ──claim──► pending ──accepted──► accepted ──lifetime over──► none
 *                        ├──released──► none         the append failed: nothing is in the log
 *                        └──unknown──► unknown       it may be in the log: the next same-body request takes
 *                                                    the claim over under the same id
 */
export interface Claims {
  /** One verdict per request, in order; requests of one batch see each other. Never rejects. */
  claim(requests: readonly ClaimRequest[], nowMs: number): Promise<ClaimVerdict[]>

  /** Moves claims on that the token still owns; others are left alone. Never rejects: a lost one costs work only. */
  settle(settlements: readonly Settlement[], nowMs: number): Promise<void>

  /** What is known of a claim; undefined when there is none (any more). */
  lookup(claimKey: string, nowMs: number): Promise<ClaimRecord | undefined>

  close(): Promise<void>
}

export interface ClaimRequest {
  claimKey: string
  /** Unique to this attempt to claim: a resent command recognises its own claim. */
  token: string
  tenant: string
  id: string
  traceId: string
  bodyHash: string
}

export type ClaimVerdict =
  /**
   * Append it, under this id (an older one when an `unknown` claim was taken over). `unsure`: the store has forgotten claims
   * before their time, so an earlier copy may exist, also of the window before.
   */
  | { verdict: 'mine'; id: string; unsure?: true }
  /** Accepted before: answer 202 with these. */
  | { verdict: 'replay'; id: string; traceId: string }
  /** Another request is being appended; ask again in a moment. */
  | { verdict: 'pending' }
  /** Same Idempotency-Key, other body. */
  | { verdict: 'reused' }
  /** The store can't be asked: append anyway, marked unclaimed. */
  | { verdict: 'unclaimed' }

export interface Settlement {
  claimKey: string
  token: string
  to: 'accepted' | 'released' | 'unknown'
}

export interface ClaimRecord {
  state: 'pending' | 'accepted' | 'unknown'
  tenant: string
  id: string
  traceId: string
}

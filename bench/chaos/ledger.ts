import { writeFileSync } from 'node:fs'
import type { LoopVerdict } from '../load/open-loop.ts'
import type { ChaosJob } from './workload.ts'

/**
 * What the client knows: every job it has sent, and the verdict of every time that it sent it. It outlives the nodes, and
 * is what the judge holds against their disk.
 */
export interface LedgerEntry {
  job: ChaosJob
  /** In the order in which their verdicts came. */
  verdicts: readonly Verdict[]
}

export type Verdict =
  | { verdict: 'accepted'; round: number; id: string; traceId: string; replayed: boolean }
  | { verdict: 'refused'; round: number; status: number; code: string; retryAfterS: number | undefined }
  /** No whole answer: the job may be there, or not. */
  | { verdict: 'unknown'; round: number; why: 'closed' | 'cut' | 'late'; waitedMs: number }

export class Ledger {
  readonly #entries = new Map<number, { job: ChaosJob; verdicts: Verdict[] }>()

  /** Returns the verdict, undefined for a job that was not sent. */
  record(job: ChaosJob, outcome: LoopVerdict, round: number): Verdict | undefined {
    if (outcome.kind === 'unsent') return undefined
    const verdict = verdictOf(outcome, round)
    const entry = this.#entries.get(job.n)
    if (entry) entry.verdicts.push(verdict)
    else this.#entries.set(job.n, { job, verdicts: [verdict] })
    return verdict
  }

  get entries(): LedgerEntry[] {
    return [...this.#entries.values()]
  }

  /** Those accepted for the first time in this round. */
  acceptedIn(round: number): LedgerEntry[] {
    return this.entries.filter(({ verdicts }) => verdicts.find(isAccepted)?.round === round)
  }

  /** Answers of this round that were no 202. */
  refusedIn(round: number): number {
    const verdicts = this.entries.flatMap((entry) => entry.verdicts)
    return verdicts.filter((verdict) => verdict.verdict === 'refused' && verdict.round === round).length
  }

  /** Those sent, never accepted, and not refused at last: the client would send them again. */
  get open(): LedgerEntry[] {
    return this.entries.filter(
      ({ verdicts }) => !verdicts.some(isAccepted) && verdicts.at(-1)?.verdict === 'unknown',
    )
  }

  /** As NDJSON, without what can be made again from the seed. */
  write(path: string): void {
    const lines = this.entries.map(({ job: { request: _, ...job }, verdicts }) =>
      JSON.stringify({ ...job, verdicts }),
    )
    writeFileSync(path, `${lines.join('\n')}\n`)
  }
}

export const isAccepted = (verdict: Verdict): verdict is Verdict & { verdict: 'accepted' } =>
  verdict.verdict === 'accepted'

/** The ids under which a job was accepted; one, unless a window's edge lay between. */
export const acceptedIds = ({ verdicts }: LedgerEntry): string[] => [
  ...new Set(verdicts.filter(isAccepted).map(({ id }) => id)),
]

function verdictOf(outcome: Exclude<LoopVerdict, { kind: 'unsent' }>, round: number): Verdict {
  if (outcome.kind === 'unanswered')
    return { verdict: 'unknown', round, why: outcome.why, waitedMs: outcome.waitedMs }
  const { status, text } = outcome
  const bodyAt = text.indexOf('\r\n\r\n') + 4
  const head = text.slice(0, bodyAt)
  const body = JSON.parse(text.slice(bodyAt)) as { id?: string; traceId?: string; code?: string }
  if (status !== 202) {
    const retryAfter = /\r\nretry-after: (\d+)/i.exec(head)?.[1]
    const retryAfterS = retryAfter === undefined ? undefined : Number(retryAfter)
    return { verdict: 'refused', round, status, code: body.code ?? 'none', retryAfterS }
  }
  if (body.id === undefined || body.traceId === undefined)
    throw new Error(`a 202 without id or traceId: ${text}`)
  const replayed = /\r\nidempotency-replayed: true/i.test(head)
  return { verdict: 'accepted', round, id: body.id, traceId: body.traceId, replayed }
}

import type { Facts } from './facts.ts'
import { acceptedIds, type Ledger } from './ledger.ts'

/**
 * What only a promise keeps alive when a node is killed: requests of this round that were sent and not answered, and
 * accepted jobs of it that are not in the job table yet.
 */
export function inFlight(
  ledger: Ledger,
  { rows }: Pick<Facts, 'rows'>,
  round: number,
): { unanswered: number; unstored: number } {
  const stored = new Set(rows.map(({ id }) => id))
  const unanswered = ledger.entries.filter(({ verdicts }) =>
    verdicts.some((verdict) => verdict.verdict === 'unknown' && verdict.round === round),
  ).length
  const unstored = ledger
    .acceptedIn(round)
    .filter((entry) => !acceptedIds(entry).some((id) => stored.has(id)))
  return { unanswered, unstored: unstored.length }
}

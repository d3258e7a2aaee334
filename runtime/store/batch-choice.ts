import { isJobId, previousWindowId } from '../job/id.ts'
import type { Outcome } from '../job/outcome.ts'

/**
 * Which outcomes of a batch go to the database. Of several with the same id the first does, separately for those from
 * the log and those from the job table; so does the first of two copies on both sides of a window's edge.
 */
export interface BatchChoice {
  /** Id → position in the batch, for the outcomes that go to the database. */
  fromLog: ReadonlyMap<string, number>
  fromTable: ReadonlyMap<string, number>
  /** Position → id of the outcome of the same batch that it is a copy of. Log only. */
  copies: ReadonlyMap<number, string>
}

export function chooseOfBatch(outcomes: readonly Outcome[]): BatchChoice {
  const fromLog = new Map<string, number>()
  const fromTable = new Map<string, number>()
  const copies = new Map<number, string>()
  /** Previous window's id → id of the chosen outcome that is also a copy of it. */
  const later = new Map<string, string>()

  for (const [position, { envelope, origin }] of outcomes.entries()) {
    const { id } = envelope
    if (origin.from === 'table') {
      if (!fromTable.has(id)) fromTable.set(id, position)
      continue
    }
    const previous = previousIdOf(envelope)
    const original = fromLog.has(id) ? id : (later.get(id) ?? (previous && fromLog.has(previous) && previous))
    if (original) {
      copies.set(position, original)
      continue
    }
    fromLog.set(id, position)
    if (previous) later.set(previous, id)
  }
  return { fromLog, fromTable, copies }
}

/**
 * The id under which an earlier copy may be stored: of keyed jobs and of those that no claim was asked for. Undefined for
 * the others, whose claim held the id across the window's edge.
 */
export function previousIdOf({ id, keyed, unclaimed }: Outcome['envelope']): string | undefined {
  return (keyed || unclaimed) && isJobId(id) ? previousWindowId(id, keyed) : undefined
}

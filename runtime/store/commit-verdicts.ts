import type { Outcome } from '../job/outcome.ts'
import type { JobState } from '../job/state.ts'
import { ArrayColumns } from './array-columns.ts'
import { arrayLiteral } from './array-literal.ts'
import { type BatchChoice, previousIdOf } from './batch-choice.ts'
import { base64Of } from './commit-batch.ts'
import type { CommitVerdict } from './job-store.ts'
import { type Row, type Sql, SqlError } from './sql.ts'

/** What of a batch the commit statement has applied, by id. */
export interface Applied {
  fromLog: ReadonlySet<string>
  fromTable: ReadonlySet<string>
}

/**
 * Says of every outcome of a committed batch what became of it. For those from the log that were not applied the rows are
 * read that were there before; conflicts are recorded before anyone learns of them.
 *
 * Rejects with a transient SqlError when such a row is gone again: committing the batch once more settles it.
 */
export async function commitVerdicts(
  sql: Sql,
  outcomes: readonly Outcome[],
  choice: BatchChoice,
  applied: Applied,
): Promise<CommitVerdict[]> {
  const originals = await originalsOf(sql, outcomes, choice, applied)
  const conflicts: Outcome[] = []
  const verdicts = outcomes.map((outcome, position): CommitVerdict => {
    const { envelope, origin } = outcome
    if (wasApplied(outcome, position, choice, applied)) return { verdict: 'applied' }
    const original = originals.get(position)
    if (!original) return { verdict: 'fenced' }
    const { state, bodyHash } = original
    if (origin.from === 'table')
      return isOwnCommit(original, outcome) ? { verdict: 'duplicate', state } : { verdict: 'fenced' }
    if (!envelope.keyed || bodyHash === envelope.bodyHash) return { verdict: 'duplicate', state }
    conflicts.push(outcome)
    return { verdict: 'conflict', state }
  })
  if (conflicts.length > 0) await recordConflicts(sql, conflicts)
  return verdicts
}

function wasApplied(
  { envelope: { id }, origin }: Outcome,
  position: number,
  choice: BatchChoice,
  applied: Applied,
): boolean {
  const [chosen, taken] =
    origin.from === 'log' ? [choice.fromLog, applied.fromLog] : [choice.fromTable, applied.fromTable]
  return chosen.get(id) === position && taken.has(id)
}

interface Original {
  state: JobState
  attempt: number
  bodyHash: string
}

/** An outcome of a claimed row is committed twice when the answer to the first commit was lost. */
const isOwnCommit = ({ state, attempt }: Original, { envelope }: Outcome): boolean =>
  state !== 'running' && attempt === envelope.attempt

/** By position: the row that stood in the way of an outcome. */
async function originalsOf(
  sql: Sql,
  outcomes: readonly Outcome[],
  choice: BatchChoice,
  applied: Applied,
): Promise<Map<number, Original>> {
  const candidates = new Map<number, string[]>()
  for (const [position, outcome] of outcomes.entries()) {
    const { envelope, origin } = outcome
    if (wasApplied(outcome, position, choice, applied)) continue
    const { id } = envelope
    const ids = origin.from === 'log' ? [id, choice.copies.get(position), previousIdOf(envelope)] : [id]
    candidates.set(
      position,
      ids.filter((candidate) => candidate !== undefined),
    )
  }
  if (candidates.size === 0) return new Map()
  const ids = new Set([...candidates.values()].flat())
  const rows = await sql.query(
    'select id, state, attempt, body_hash from spillway.jobs where id = any($1::text[])',
    [arrayLiteral(ids)],
  )
  const found = new Map(rows.map((row) => [row.id as string, originalOf(row)]))
  const originals = new Map<number, Original>()
  for (const [position, ids] of candidates) {
    const original = ids.map((id) => found.get(id)).find((row) => row !== undefined)
    if (!original && outcomes[position]?.origin.from === 'table') continue
    if (!original) throw new SqlError(`the row of job ${ids[0]} went away while it was committed`, '40001')
    originals.set(position, original)
  }
  return originals
}

const originalOf = (row: Row): Original => ({
  state: row.state as JobState,
  attempt: row.attempt as number,
  bodyHash: row.body_hash as string,
})

const CONFLICT_COLUMNS = [
  'id',
  'tenant',
  'kind',
  'body_hash',
  'traceparent',
  'seen_at_ms',
  'envelope',
] as const

async function recordConflicts(sql: Sql, outcomes: readonly Outcome[]): Promise<void> {
  const columns = new ArrayColumns(CONFLICT_COLUMNS)
  for (const outcome of outcomes) {
    const { envelope } = outcome
    columns.plain('id', envelope.id)
    columns.text('tenant', envelope.tenant)
    columns.text('kind', envelope.kind)
    columns.text('body_hash', envelope.bodyHash)
    columns.text('traceparent', envelope.traceparent)
    columns.plain('seen_at_ms', Math.trunc(outcome.finishedAtMs))
    columns.plain('envelope', base64Of(outcome))
  }
  await sql.query(
    `insert into spillway.job_conflicts (${CONFLICT_COLUMNS.join(', ')})
    select i.id, i.tenant, i.kind, i.body_hash, i.traceparent, i.seen_at_ms, decode(i.envelope, 'base64')
    from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::text[])
      as i(${CONFLICT_COLUMNS.join(', ')})
    order by i.id, i.body_hash
    on conflict (id, body_hash) do nothing`,
    columns.parameters(),
  )
}

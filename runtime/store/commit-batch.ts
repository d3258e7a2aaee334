import type { TableDefinition } from '../handler/define-table.ts'
import { encodeEnvelope } from '../job/envelope.ts'
import { dayOf, isJobId } from '../job/id.ts'
import { POOLS } from '../job/lane.ts'
import type { Origin, Outcome } from '../job/outcome.ts'
import { ArrayColumns } from './array-columns.ts'
import { type BatchChoice, chooseOfBatch, previousIdOf } from './batch-choice.ts'
import { type CommitShape, LOG_COLUMNS, TABLE_COLUMNS } from './commit-statement.ts'
import { OutcomeDataError, type OutcomeFault } from './job-store.ts'
import { SqlError } from './sql.ts'
import { errorJson, forcedText, storableText } from './storable-text.ts'
import { WriteColumns } from './write-columns.ts'

/** A batch of outcomes as the parameters of one statement. */
export interface CommitBatch {
  choice: BatchChoice
  shape: CommitShape
  parameters: string[]
  /** Days whose partitions it inserts into. */
  days: ReadonlySet<number>
}

type LogColumns = ArrayColumns<keyof typeof LOG_COLUMNS, 'result'>
type TableColumns = ArrayColumns<keyof typeof TABLE_COLUMNS, 'result'>
const LOG_COLUMN_NAMES = Object.keys(LOG_COLUMNS) as (keyof typeof LOG_COLUMNS)[]
const TABLE_COLUMN_NAMES = Object.keys(TABLE_COLUMNS) as (keyof typeof TABLE_COLUMNS)[]

/** Throws OutcomeDataError naming every outcome that can't be stored. */
export function commitBatch(
  outcomes: readonly Outcome[],
  tables: ReadonlyMap<string, TableDefinition>,
): CommitBatch {
  const choice = chooseOfBatch(outcomes)
  const log: LogColumns = new ArrayColumns(LOG_COLUMN_NAMES, ['result'])
  const table: TableColumns = new ArrayColumns(TABLE_COLUMN_NAMES, ['result'])
  const writes = new WriteColumns(tables)
  const days = new Set<number>()
  const faults: OutcomeFault[] = []
  let probes = false

  for (const [position, outcome] of outcomes.entries()) {
    const { envelope, origin } = outcome
    const chosen = origin.from === 'log' ? choice.fromLog : choice.fromTable
    if (chosen.get(envelope.id) !== position) continue
    try {
      if (!isJobId(envelope.id))
        throw new SqlError(`${JSON.stringify(envelope.id.slice(0, 80))} is no job id`, '22023')
      if (origin.from === 'log') {
        const previous = previousIdOf(envelope)
        probes ||= previous !== undefined
        addFromLog(log, outcome, origin, previous)
        days.add(dayOf(envelope.id))
      } else addFromTable(table, outcome)
      writes.add(outcome)
    } catch (error) {
      faults.push({ position, error: asSqlError(error) })
    }
  }
  const [first, ...others] = faults
  if (first) throw new OutcomeDataError([first, ...others])

  const shape = {
    fromLog: choice.fromLog.size > 0,
    probes,
    fromTable: choice.fromTable.size > 0,
    tables: writes.tables,
  }
  const parameters = [
    ...(shape.fromLog ? log.parameters() : []),
    ...(shape.fromTable ? table.parameters() : []),
    ...writes.parameters(),
  ]
  return { choice, shape, parameters, days }
}

/** Also of what nobody foresaw: its job goes to `dead`, where thrown it would stop the whole pool for as long as it is there. */
function asSqlError(thrown: unknown): SqlError {
  if (thrown instanceof SqlError) return thrown
  return new SqlError(`the outcome cannot be read: ${thrown}`, '22000', { cause: thrown })
}

function addFromLog(
  columns: LogColumns,
  outcome: Outcome,
  { lane, partition, offset }: Origin & { from: 'log' },
  previousId: string | undefined,
): void {
  const { envelope, state } = outcome
  const textOf = (
    field: 'tenant' | 'kind' | 'tier' | 'orderingKey' | 'traceparent' | 'bodyHash',
  ): string | null => {
    const value = envelope[field]
    if (value === undefined) return null
    return state === 'dead' ? forcedText(value) : storableText(field, value)
  }
  columns.plain('id', envelope.id)
  columns.text('tenant', textOf('tenant'))
  columns.text('kind', textOf('kind'))
  columns.plain('pool', poolOf(lane))
  columns.text('tier', textOf('tier'))
  columns.text('ordering_key', textOf('orderingKey'))
  columns.plain('state', state)
  // A parked job has not run yet.
  columns.plain('attempt', state === 'parked' ? envelope.attempt - 1 : envelope.attempt)
  columns.plain('accepted_at_ms', Math.trunc(envelope.acceptedAtMs))
  columns.plain('lane_partition', partition)
  columns.plain('log_offset', offset)
  columns.text('traceparent', textOf('traceparent'))
  columns.text('body_hash', textOf('bodyHash'))
  columns.plain('envelope', state === 'done' ? null : base64Of(outcome))
  columns.plain('previous_id', previousId ?? null)
  addWhatItCameTo(columns, outcome)
}

function addFromTable(columns: TableColumns, outcome: Outcome): void {
  columns.plain('id', outcome.envelope.id)
  columns.plain('attempt', outcome.envelope.attempt)
  columns.plain('state', outcome.state)
  addWhatItCameTo(columns, outcome)
}

function addWhatItCameTo(
  columns: Pick<TableColumns, 'plain' | 'text' | 'json'>,
  { result, error, skipped, finishedAtMs, dueAtMs, solo }: Outcome,
): void {
  columns.plain('updated_at_ms', Math.trunc(finishedAtMs))
  columns.plain('due_at_ms', dueAtMs === undefined ? null : Math.trunc(dueAtMs))
  columns.json('result', result ?? null)
  columns.text('error', error ? errorJson(error) : null)
  columns.text('skipped', skipped.length > 0 ? JSON.stringify(skipped.map((name) => forcedText(name))) : null)
  columns.plain('solo', solo ? 't' : 'f')
}

export const base64Of = ({ envelope }: Outcome): string =>
  Buffer.from(encodeEnvelope(envelope)).toString('base64')

function poolOf(lane: string): string {
  const pool = POOLS.find((pool) => lane.startsWith(`pool-${pool}.`))
  if (!pool)
    throw new Error(`lane ${JSON.stringify(lane)} belongs to no pool: lanes are named pool-<pool>.<tier>`)
  return pool
}

import type { TableDefinition } from '../handler/define-table.ts'
import { isJobId } from '../job/id.ts'
import type { Pool } from '../job/lane.ts'
import type { Outcome } from '../job/outcome.ts'
import { ArrayLiteral, arrayLiteral } from './array-literal.ts'
import { BURY, CLAIM_DUE, CLAIM_SOLO, CLAIM_THIN, HELD_KEYS, REPLAY } from './claim-statements.ts'
import { type CommitBatch, commitBatch } from './commit-batch.ts'
import { CommitStatements } from './commit-statement.ts'
import { type Applied, commitVerdicts } from './commit-verdicts.ts'
import { DayPartitions } from './day-partitions.ts'
import { claimedJobOf, heldKeyOf, JOB_COLUMNS, jobRowOf } from './job-rows.ts'
import type {
  AssignedPartition,
  Claim,
  ClaimedJob,
  CommitVerdict,
  HeldKey,
  JobRow,
  JobStore,
} from './job-store.ts'
import { END_LOST_RUNS, NOTE_ASSIGNMENT, RELEASE } from './release-statements.ts'
import { type PreparedStatement, type Row, type Sql, SqlError } from './sql.ts'
import { errorJson } from './storable-text.ts'

export interface SqlJobStoreOptions {
  /** How long a claimed row belongs to this node; longer than any handler runs and its outcome waits. */
  leaseMs: number
  /** Of all handlers; a table that several of them declare once. Migrated before (`migrate.ts`). */
  tables: readonly TableDefinition[]
}

export class SqlJobStore implements JobStore {
  readonly #sql: Sql
  readonly #leaseMs: number
  readonly #tables: ReadonlyMap<string, TableDefinition>
  readonly #statements: CommitStatements
  readonly #days: DayPartitions

  constructor(sql: Sql, { leaseMs, tables }: SqlJobStoreOptions) {
    this.#sql = sql
    this.#leaseMs = leaseMs
    this.#tables = new Map(tables.map((table) => [table.name, table]))
    this.#statements = new CommitStatements(this.#tables)
    this.#days = new DayPartitions(sql)
  }

  async commit(outcomes: readonly Outcome[]): Promise<CommitVerdict[]> {
    if (outcomes.length === 0) return []
    const batch = commitBatch(outcomes, this.#tables)
    const applied = await this.#apply(batch)
    if (applied.fromLog.size + applied.fromTable.size === outcomes.length)
      return outcomes.map(() => ({ verdict: 'applied' }))
    return commitVerdicts(this.#sql, outcomes, batch.choice, applied)
  }

  async claimDue(pool: Pool, nowMs: number, limit: number): Promise<ClaimedJob[]> {
    return this.#claim(CLAIM_DUE, pool, nowMs, limit)
  }

  async claimSolo(pool: Pool, nowMs: number): Promise<ClaimedJob | undefined> {
    return (await this.#claim(CLAIM_SOLO, pool, nowMs, 1))[0]
  }

  async claimThin(pool: Pool, nowMs: number, limit: number): Promise<ClaimedJob[]> {
    return this.#claim(CLAIM_THIN, pool, nowMs, limit)
  }

  async release(claims: readonly Claim[]): Promise<number> {
    if (claims.length === 0) return 0
    const attempts = new ArrayLiteral()
    for (const { attempt } of claims) attempts.plain(attempt)
    const ids = arrayLiteral(claims.map(({ id }) => id))
    return (await this.#sql.prepared(RELEASE, [ids, attempts.toString()])).length
  }

  async endLostRuns(nowMs: number, attemptsMax: ReadonlyMap<string, number>): Promise<void> {
    const [kinds, maxima] = [new ArrayLiteral(), new ArrayLiteral()]
    for (const [kind, max] of attemptsMax) {
      kinds.text(kind)
      maxima.plain(max)
    }
    await this.#sql.query(END_LOST_RUNS, [nowMs, kinds.toString(), maxima.toString()])
  }

  async noteAssignment(group: string, partitions: readonly AssignedPartition[]): Promise<number[]> {
    if (partitions.length === 0) return []
    const [lanes, numbers, offsets] = [new ArrayLiteral(), new ArrayLiteral(), new ArrayLiteral()]
    for (const { lane, partition, committed } of partitions) {
      lanes.text(lane)
      numbers.plain(partition)
      offsets.plain(committed)
    }
    const parameters = [group, ...[lanes, numbers, offsets].map(String)]
    const rows = await this.#sql.query(NOTE_ASSIGNMENT, parameters)
    const assigned = new Map(rows.map((row) => [`${row.lane}/${row.partition}`, Number(row.assigned)]))
    return partitions.map(({ lane, partition }) => assigned.get(`${lane}/${partition}`) ?? 1)
  }

  async forgetAssignments(group: string): Promise<void> {
    await this.#sql.query('delete from spillway.assignments where group_name = $1', [group])
  }

  async replay(ids: readonly string[], nowMs: number): Promise<string[]> {
    const rows = await this.#sql.query(REPLAY, [arrayLiteral(ids), nowMs])
    return rows.map((row) => row.id as string)
  }

  async heldKeys(pool: Pool): Promise<HeldKey[]> {
    const rows = await this.#sql.prepared(HELD_KEYS, [pool])
    return rows.map(heldKeyOf)
  }

  async find(id: string): Promise<JobRow | undefined> {
    if (!isJobId(id)) return undefined
    const [row] = await this.#sql.query(`select ${JOB_COLUMNS} from spillway.jobs where id = $1`, [id])
    return row && jobRowOf(row)
  }

  dropDaysBefore(day: number): Promise<void> {
    return this.#days.dropBefore(day)
  }

  close(): Promise<void> {
    return this.#sql.close()
  }

  /** A partition may have been dropped by another node: then it is created again, once. */
  async #apply({ shape, parameters, days }: CommitBatch): Promise<Applied> {
    const text = this.#statements.of(shape)
    await this.#days.ensure(days)
    try {
      return appliedOf(await this.#sql.query(text, parameters))
    } catch (error) {
      if (!(error instanceof SqlError && error.sqlState === NO_PARTITION)) throw error
    }
    this.#days.forget()
    await this.#days.ensure(days)
    return appliedOf(await this.#sql.query(text, parameters))
  }

  /** A row whose envelope can't be read goes to `dead`: it must not keep the others from being claimed. */
  async #claim(
    statement: PreparedStatement,
    pool: Pool,
    nowMs: number,
    limit: number,
  ): Promise<ClaimedJob[]> {
    const rows = await this.#sql.prepared(statement, [pool, nowMs, limit, nowMs + this.#leaseMs])
    const claimed: ClaimedJob[] = []
    for (const row of rows) {
      try {
        claimed.push(claimedJobOf(row))
      } catch (cause) {
        const error = errorJson({ code: 'bad-envelope', message: (cause as Error).message })
        await this.#sql.query(BURY, [row.id as string, nowMs, Number(row.attempt), error])
      }
    }
    return claimed
  }
}

/** check_violation: what PostgreSQL says of a row that no partition takes. */
const NO_PARTITION = '23514'

function appliedOf([row]: Row[]): Applied {
  // Without an answer nobody knows what has been committed; repeated, the batch says so.
  if (!row) throw new SqlError('the commit statement gave no row', '08P01')
  const idsOf = (column: 'inserted' | 'updated') => new Set((row[column] as string | null)?.split(','))
  return { fromLog: idsOf('inserted'), fromTable: idsOf('updated') }
}

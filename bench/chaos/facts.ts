import { lanesOf, POOLS } from '../../runtime/job/lane.ts'
import type { JobState } from '../../runtime/job/state.ts'
import type { Sql } from '../../runtime/store/sql.ts'
import { DataOnDisk } from './data-on-disk.ts'

/** What is on the disk of a node that has ended, in the terms of its promises. */
export interface Facts {
  records: readonly RecordFact[]
  offsets: readonly OffsetFact[]
  rows: readonly RowFact[]
  /** The rows of the handlers' tables. */
  effects: readonly EffectFact[]
}

interface RecordFact {
  lane: string
  partition: number
  offset: number
  id: string
}

/** How far a pool's group is: everything below `committed` will not be delivered again. */
interface OffsetFact {
  group: string
  lane: string
  partition: number
  committed: number
}

export interface RowFact {
  id: string
  state: JobState
  /** What its last run failed of, if it did. */
  errorCode?: string | undefined
  errorMessage?: string | undefined
  /** Runs that it was charged with. */
  attempt?: number
  /** Number of the transaction that wrote the row last (xmin): the database hands them out in order. */
  transaction: number
}

interface EffectFact {
  table: string
  jobId: string
  transaction: number
}

/** Reads a data directory that no node has open. It is changed by that: databases recover when they are opened. */
export async function readFacts(directory: string): Promise<Facts> {
  const data = await DataOnDisk.open(directory)
  try {
    const records = (await data.records()).map(({ envelope: { id }, ...place }) => ({ ...place, id }))
    const offsets: OffsetFact[] = []
    for (const pool of POOLS) {
      const group = `spillway.pool-${pool}`
      for (const { lane, partition, committed } of await data.log.progress(group, lanesOf(pool)))
        offsets.push({ group, lane, partition, committed })
    }
    return { records, offsets, rows: await readRows(data.sql), effects: await readEffects(data.sql) }
  } finally {
    await data.close()
  }
}

async function readRows(sql: Sql): Promise<RowFact[]> {
  const rows = await sql.query(
    `select id, state, attempt, error->>'code' as error_code, error->>'message' as error_message,
      xmin::text as transaction from spillway.jobs`,
  )
  return rows.map(({ id, state, attempt, error_code, error_message, transaction }) => ({
    id: String(id),
    state: state as JobState,
    attempt: Number(attempt),
    errorCode: error_code === null ? undefined : String(error_code),
    errorMessage: error_message === null ? undefined : String(error_message),
    transaction: Number(transaction),
  }))
}

async function readEffects(sql: Sql): Promise<EffectFact[]> {
  const tables = await sql.query(
    `select table_name from information_schema.columns where table_schema = 'public' and column_name = 'job_id'`,
  )
  const effects: EffectFact[] = []
  for (const { table_name } of tables) {
    const table = String(table_name)
    const rows = await sql.query(`select job_id, xmin::text as transaction from "${table}"`)
    for (const { job_id, transaction } of rows)
      effects.push({ table, jobId: String(job_id), transaction: Number(transaction) })
  }
  return effects
}

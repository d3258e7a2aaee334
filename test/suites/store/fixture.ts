import { defineTable } from '../../../runtime/handler/define-table.ts'
import type { Envelope } from '../../../runtime/job/envelope.ts'
import { identify } from '../../../runtime/job/id.ts'
import type { Origin, Outcome, StoredRow } from '../../../runtime/job/outcome.ts'
import { migrate } from '../../../runtime/store/migrate.ts'
import type { Row, Sql } from '../../../runtime/store/sql.ts'
import { SqlJobStore } from '../../../runtime/store/sql-job-store.ts'
import { aJob } from '../../support/jobs.ts'

/** 2026-01-15, noon: the time at which the jobs of these tests are accepted. */
export const NOON_MS = Date.UTC(2026, 0, 15, 12)
export const TODAY = 20_468
export const LEASE_MS = 60_000

export const LEADS = defineTable({
  name: 'leads',
  key: ['domain'],
  columns: {
    domain: 'text',
    score: 'integer',
    views: 'bigint',
    weight: 'double precision',
    hot: 'boolean',
    data: 'jsonb',
    seen_at: 'timestamptz',
  },
})
/** Named like a keyword, with a key of two columns and nothing else. */
const ORDERS = defineTable({
  name: 'order',
  key: ['user', 'position'],
  columns: { user: 'text', position: 'integer' },
})
const TABLES = [LEADS, ORDERS]

/** The store under test. One per suite: the database is started once and emptied in between. */
export class StoreBench {
  readonly sql: Sql
  store: SqlJobStore

  constructor(sql: Sql) {
    this.sql = sql
    this.store = this.anotherNode()
  }

  /** A second store on the same database, as another node has it. */
  anotherNode(): SqlJobStore {
    return new SqlJobStore(this.sql, { leaseMs: LEASE_MS, tables: TABLES })
  }

  async reset(): Promise<void> {
    await this.sql.script('drop schema if exists spillway cascade; drop table if exists leads, "order"')
    await migrate(this.sql, TABLES)
    this.store = this.anotherNode()
  }

  rows(text: string): Promise<Row[]> {
    return this.sql.query(text)
  }
}

/** As the ingress would have made it, of its own body. */
export const anEnvelope = (fields: Partial<Envelope> = {}): Envelope => aJob(fields).envelope

let offset = 0

/** Delivered by the log, by default to lane `pool-a.normal`, behind the one before. */
export function fromLog(
  fields: Partial<Outcome> & {
    job?: Partial<Envelope>
    pool?: string
    at?: Partial<Origin & { from: 'log' }>
  } = {},
): Outcome {
  const { job, pool = 'a', at, ...outcome } = fields
  const envelope = fields.envelope ?? anEnvelope(job)
  return {
    envelope,
    origin: { from: 'log', lane: `pool-${pool}.${envelope.tier}`, partition: 0, offset: offset++, ...at },
    state: 'done',
    writes: [],
    skipped: [],
    startedAtMs: NOON_MS,
    finishedAtMs: NOON_MS + 5,
    ...outcome,
  }
}

/** What a run of a claimed row came to. */
export const ofRow = (envelope: Envelope, fields: Partial<Outcome> = {}): Outcome => ({
  envelope,
  origin: { from: 'table' },
  state: 'done',
  writes: [],
  skipped: [],
  startedAtMs: NOON_MS + 100,
  finishedAtMs: NOON_MS + 105,
  ...fields,
})

/** The envelope of a request with an Idempotency-Key, as accepted at this time. */
export function keyedEnvelope(idempotencyKey: string, bodyText: string, nowMs = NOON_MS): Envelope {
  const body = Buffer.from(bodyText)
  const { id, bodyHash } = identify({ tenant: 'acme', kind: 'test.echo', idempotencyKey, body }, nowMs)
  return anEnvelope({ body, id, bodyHash, keyed: true, acceptedAtMs: nowMs })
}

export const idsOf = (jobs: readonly { envelope: Envelope }[]): string[] =>
  jobs.map(({ envelope }) => envelope.id)

/** A handler's row for one of these tables, its values as text in the order of the columns. */
export function rowFor(table: 'leads' | 'order', row: Readonly<Record<string, unknown>>): StoredRow {
  const { columns } = TABLES.find(({ name }) => name === table) ?? LEADS
  return { table, values: Object.entries(columns).map(([column, type]) => textOf(type, row[column])) }
}

function textOf(type: string, value: unknown): string | null {
  if (value === undefined || value === null) return null
  if (value instanceof Date) return value.toISOString()
  return type === 'jsonb' ? JSON.stringify(value) : String(value)
}

export const lead = (domain: string, score: number): StoredRow => rowFor('leads', { domain, score })

import { BOUNDS } from '../config/bounds.ts'
import type { TableDefinition } from '../handler/define-table.ts'
import { WITH_PRESENT_STATE } from './history.ts'
import { jsonTextsOf } from './json-texts.ts'

/**
 * The text of the one statement that commits a batch: its parameters are arrays, one per column, whatever the size of
 * the batch. First outcomes are inserted, later ones update the row that their run was claimed from, and the handlers'
 * rows of both, and of no others, are upserted.
 *
 * Rows are locked in the order of their keys, jobs before handlers' tables, these by name: batches cannot deadlock.
 */
export interface CommitShape {
  fromLog: boolean
  /** Some of those from the log look for a copy under the previous window's id. */
  probes: boolean
  fromTable: boolean
  /** Written tables by name, sorted. */
  tables: readonly string[]
}

/** Of outcomes from the log; all but the last are columns of the job table. */
export const LOG_COLUMNS = {
  id: 'text',
  tenant: 'text',
  kind: 'text',
  pool: 'text',
  tier: 'text',
  ordering_key: 'text',
  state: 'text',
  attempt: 'integer',
  accepted_at_ms: 'bigint',
  updated_at_ms: 'bigint',
  due_at_ms: 'bigint',
  lane_partition: 'integer',
  log_offset: 'bigint',
  traceparent: 'text',
  body_hash: 'text',
  /** In base64. */
  envelope: 'text',
  result: 'json texts',
  error: 'jsonb',
  skipped: 'jsonb',
  solo: 'boolean',
  previous_id: 'text',
} as const

/** Of outcomes from the job table. */
export const TABLE_COLUMNS = {
  id: 'text',
  /** Of the run. */
  attempt: 'integer',
  state: 'text',
  updated_at_ms: 'bigint',
  due_at_ms: 'bigint',
  result: 'json texts',
  error: 'jsonb',
  skipped: 'jsonb',
  solo: 'boolean',
} as const

/** Remembers texts by shape; forgets them all when there are too many. */
export class CommitStatements {
  static readonly #textsMax = BOUNDS.store.commitTextsMax
  readonly #tables: ReadonlyMap<string, TableDefinition>
  readonly #texts = new Map<string, string>()

  constructor(tables: ReadonlyMap<string, TableDefinition>) {
    this.#tables = tables
  }

  /** Answers one row: `inserted` and `updated`, the ids of what was applied, joined by commas, or null. */
  of(shape: CommitShape): string {
    const key = [shape.fromLog, shape.probes, shape.fromTable, ...shape.tables].join()
    const known = this.#texts.get(key)
    if (known !== undefined) return known
    if (this.#texts.size === CommitStatements.#textsMax) this.#texts.clear()
    const text = commitStatement(shape, this.#tables)
    this.#texts.set(key, text)
    return text
  }
}

function commitStatement(shape: CommitShape, tables: ReadonlyMap<string, TableDefinition>): string {
  const arrays = new Arrays()
  const parts: string[] = []
  const taken: string[] = []
  if (shape.fromLog) {
    parts.push(inserted(arrays, shape.probes))
    taken.push('select id, tenant, false as from_table from inserted')
  }
  if (shape.fromTable) {
    parts.push(updated(arrays))
    taken.push('select id, tenant, true as from_table from updated')
  }
  if (shape.tables.length > 0) parts.push(`taken as (${taken.join(' union all ')})`)
  for (const [i, name] of shape.tables.entries()) {
    const table = tables.get(name)
    if (table) parts.push(`written_${i} as (${upsert(arrays, table)})`)
  }
  const idsOf = (part: string, isThere: boolean) =>
    isThere ? `(select string_agg(id, ',') from ${part})` : 'null'
  return `with ${parts.join(',\n')}
select ${idsOf('inserted', shape.fromLog)} as inserted, ${idsOf('updated', shape.fromTable)} as updated`
}

const VALUES: Readonly<Record<string, string>> = {
  envelope: `decode(i.envelope, 'base64')`,
  result: 'i.result::jsonb',
}

function inserted(arrays: Arrays, probes: boolean): string {
  const { previous_id: _, ...columns } = LOG_COLUMNS
  const names = Object.keys(columns)
  const values = names.map((name) => VALUES[name] ?? `i.${name}`)
  // Behind OR the planner probes the primary key row by row; alone it might scan and hash whole partitions.
  const unseen = `where i.previous_id is null
    or not exists (select from spillway.jobs p where p.id = i.previous_id)`
  return `inserted as (
  insert into spillway.jobs (${names.join(', ')})
  select ${values.join(', ')}
  from ${arrays.unnest(LOG_COLUMNS, 'i')}
  ${probes ? unseen : ''}
  order by i.id
  on conflict (id) do nothing
  returning id, tenant)`
}

/** A job that is parked again has not run, or not by itself: its attempt is given back. */
function updated(arrays: Arrays): string {
  return `updated as (
  update spillway.jobs j set
    state = i.state,
    attempt = case i.state when 'parked' then j.attempt - 1 else j.attempt end,
    updated_at_ms = i.updated_at_ms,
    due_at_ms = i.due_at_ms,
    lease_until_ms = null,
    envelope = case i.state when 'done' then null else j.envelope end,
    result = coalesce(i.result::jsonb, j.result),
    error = i.error,
    skipped = i.skipped,
    solo = j.solo or i.solo,
    history = ${WITH_PRESENT_STATE}
  from ${arrays.unnest(TABLE_COLUMNS, 'i')}
  where j.id = i.id and j.state = 'running' and j.attempt = i.attempt
  returning j.id, j.tenant)`
}

/** Of a key that is written twice the last row is kept. */
function upsert(arrays: Arrays, table: TableDefinition): string {
  const columns = Object.entries(table.columns).map(([name, type], i) => ({ name, type, alias: `c${i}` }))
  const key = table.key.map((name) => {
    const column = columns.find((column) => column.name === name)
    return column?.type === 'text' ? `w.${column.alias} collate "C"` : `w.${column?.alias}`
  })
  const types = {
    id: 'text',
    from_table: 'boolean',
    ...Object.fromEntries(columns.map((c) => [c.alias, c.type])),
  }
  const quoted = columns.map(({ name }) => `"${name}"`)
  const replaced = ['job_id', ...quoted.filter((_, i) => !table.key.includes(columns[i]?.name ?? ''))]
  return `
  insert into "${table.name}" (tenant, job_id, ${quoted.join(', ')})
  select distinct on (t.tenant, ${key.join(', ')}) t.tenant, t.id, ${columns.map(({ alias }) => `w.${alias}`).join(', ')}
  from ${arrays.unnest(types, 'w', 'position')}
  join taken t on t.id = w.id and t.from_table = w.from_table
  order by t.tenant, ${key.join(', ')}, w.position desc
  on conflict (tenant, ${table.key.map((name) => `"${name}"`).join(', ')}) do update set
    ${replaced.map((column) => `${column} = excluded.${column}`).join(', ')}`
}

/** Numbers the parameters in the order in which they are used. */
class Arrays {
  #count = 0

  unnest(types: Readonly<Record<string, string>>, alias: string, ordinality?: string): string {
    const arrays = Object.values(types).map((type) => {
      const parameter = `$${++this.#count}`
      return type === 'json texts' ? jsonTextsOf(parameter) : `${parameter}::${type}[]`
    })
    const names = [...Object.keys(types), ...(ordinality ? [ordinality] : [])]
    return `unnest(${arrays.join(', ')})${ordinality ? ' with ordinality' : ''} as ${alias}(${names.join(', ')})`
  }
}

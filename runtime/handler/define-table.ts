/**
 * A table that handlers write to. Every such table also has `tenant` and `job_id` columns, filled by the runtime:
 * a handler cannot write another tenant's rows. Its primary key is `(tenant, ...key)`; a write is an upsert by it, and
 * replaces the whole row (columns left out become null).
 */
export interface TableDefinition {
  name: string
  /** Columns of the primary key, after `tenant`. */
  key: readonly string[]
  /** Column → PostgreSQL type. */
  columns: Readonly<Record<string, ColumnType>>
}

const COLUMN_TYPES = [
  'text',
  'integer',
  'bigint',
  'double precision',
  'boolean',
  'jsonb',
  'timestamptz',
] as const
export type ColumnType = (typeof COLUMN_TYPES)[number]

const IDENTIFIER = /^[a-z][a-z0-9_]{0,47}$/
const RESERVED = ['tenant', 'job_id']

export class TableDefinitionError extends Error {
  override readonly name = 'TableDefinitionError'
}

/** Checks and returns the definition. Throws TableDefinitionError naming the field and its value. */
export function defineTable(definition: TableDefinition): TableDefinition {
  const refuse = (what: string): never => {
    throw new TableDefinitionError(`table ${JSON.stringify(definition.name)}: ${what}`)
  }
  if (!IDENTIFIER.test(definition.name)) refuse(`name must match ${IDENTIFIER}`)
  for (const [column, type] of Object.entries(definition.columns)) {
    if (!IDENTIFIER.test(column)) refuse(`column ${JSON.stringify(column)} must match ${IDENTIFIER}`)
    if (RESERVED.includes(column)) refuse(`column ${JSON.stringify(column)} is filled by the runtime`)
    if (!COLUMN_TYPES.includes(type))
      refuse(`column ${column}: ${JSON.stringify(type)} is none of ${COLUMN_TYPES.join(', ')}`)
  }
  if (definition.key.length === 0) refuse('key needs at least one column')
  if (new Set(definition.key).size < definition.key.length)
    refuse(`key ${definition.key.join(', ')} names one column twice`)
  for (const column of definition.key)
    if (!Object.hasOwn(definition.columns, column))
      refuse(`key column ${JSON.stringify(column)} is not among its columns`)
  return definition
}

import { isDeepStrictEqual } from 'node:util'
import type { TableDefinition } from '../handler/define-table.ts'
import { arrayLiteral } from './array-literal.ts'
import { MigrationError } from './migration-error.ts'
import { SCHEMA_LOCK } from './schema-lock.ts'
import type { Row, Sql } from './sql.ts'

/**
 * The tables that handlers declare. One that is missing is created; one that is there must have the declared columns and
 * the declared key. It may have more columns, as long as a row can be inserted without them.
 */
export async function createDeclaredTables(sql: Sql, tables: readonly TableDefinition[]): Promise<void> {
  const distinct = distinctTables(tables)
  if (distinct.length === 0) return
  await sql.script([`select ${SCHEMA_LOCK}`, ...distinct.map(creation)].join(';\n'))
  const names = arrayLiteral(distinct.map((table) => table.name))
  const columns = await sql.query(COLUMNS_OF, [names])
  for (const table of distinct)
    checkTable(table, columns.filter((row) => row.table === table.name).map(columnOf))
}

function distinctTables(tables: readonly TableDefinition[]): TableDefinition[] {
  const byName = new Map<string, TableDefinition>()
  for (const table of tables) {
    const other = byName.get(table.name)
    // The order of the columns counts: values travel in it.
    if (other && JSON.stringify(other) !== JSON.stringify(table))
      throw new MigrationError(
        `table ${table.name} is declared twice and differently: ${JSON.stringify(other)} and ${JSON.stringify(table)}; ` +
          'handlers that share a table import one definition',
      )
    byName.set(table.name, table)
  }
  return [...byName.values()]
}

const keyOf = (table: TableDefinition): string[] => ['tenant', ...table.key]
const columnsOf = (table: TableDefinition): Record<string, string> => ({
  tenant: 'text',
  job_id: 'text',
  ...table.columns,
})

function creation(table: TableDefinition): string {
  const key = keyOf(table)
  const columns = Object.entries(columnsOf(table)).map(([name, type]) => {
    const isRequired = name === 'job_id' || key.includes(name)
    return `"${name}" ${type}${isRequired ? ' not null' : ''}`
  })
  const primaryKey = `primary key (${key.map((name) => `"${name}"`).join(', ')})`
  return `create table if not exists "${table.name}" (${[...columns, primaryKey].join(', ')})`
}

interface Column {
  name: string
  type: string
  /** An insert that leaves it out fails. */
  needsValue: boolean
  isInKey: boolean
}

const COLUMNS_OF = `
select c.relname as table, a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
  a.attnotnull and not a.atthasdef and a.attidentity = '' as needs_value,
  coalesce(a.attnum = any(i.indkey), false) as is_in_key
from unnest($1::text[]) as wanted(name)
join pg_catalog.pg_class c on c.oid = to_regclass(quote_ident(wanted.name))
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_catalog.pg_index i on i.indrelid = c.oid and i.indisprimary`

const columnOf = (row: Row): Column => ({
  name: row.name as string,
  type: row.type as string,
  needsValue: row.needs_value as boolean,
  isInKey: row.is_in_key as boolean,
})

function checkTable(table: TableDefinition, found: readonly Column[]): void {
  const refuse = (what: string): never => {
    throw new MigrationError(
      `table ${table.name} is in the database already, and ${what}. Change the table or the declaration, or declare it under another name`,
    )
  }
  const wanted = columnsOf(table)
  for (const [name, type] of Object.entries(wanted)) {
    const column = found.find((column) => column.name === name)
    if (!column) refuse(`has no column ${name}; wanted is ${type}`)
    else if (column.type !== typeName(type)) refuse(`its column ${name} is ${column.type}; wanted is ${type}`)
  }
  for (const { name, needsValue } of found)
    if (needsValue && !Object.hasOwn(wanted, name))
      refuse(`has a column ${name} that is not declared and needs a value`)
  const key = found.filter((column) => column.isInKey).map((column) => column.name)
  if (!isDeepStrictEqual(new Set(key), new Set(keyOf(table))))
    refuse(`its primary key is (${key.join(', ')}); wanted is (${keyOf(table).join(', ')})`)
}

const typeName = (type: string): string => (type === 'timestamptz' ? 'timestamp with time zone' : type)

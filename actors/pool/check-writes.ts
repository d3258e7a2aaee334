import { BOUNDS } from '../../runtime/config/bounds.ts'
import type { ColumnType, TableDefinition } from '../../runtime/handler/define-table.ts'
import type { StoredRow, Write } from '../../runtime/job/outcome.ts'
import { StorableError, storableJson } from './storable-json.ts'

/**
 * A handler's writes, checked against the tables it declared, where only its own job can be hurt: in the writer one bad
 * row makes the database refuse the whole batch.
 */
const WRITES_MAX = BOUNDS.pool.writesMax
const WRITES_BYTES_MAX = BOUNDS.pool.writesBytesMax

const NONE: readonly StoredRow[] = []

/** As text, the form in which they can be sent to another thread and to the database. Throws StorableError naming table, column and value. */
export function checkWrites(writes: unknown, tables: readonly TableDefinition[]): readonly StoredRow[] {
  if (writes === undefined) return NONE
  if (!Array.isArray(writes)) throw new StorableError('writes must be an array of { table, row }')
  if (writes.length > WRITES_MAX)
    throw new StorableError(`${writes.length} writes are too many; at most ${WRITES_MAX} are stored`)
  const budget = { bytesLeft: WRITES_BYTES_MAX }
  // Not `map`, which leaves holes as they are: cloning keeps them, and the writer would stumble over them.
  return Array.from({ length: writes.length }, (_, i) => checkWrite(writes[i], tables, budget))
}

interface Budget {
  bytesLeft: number
}

function checkWrite(write: unknown, tables: readonly TableDefinition[], budget: Budget): StoredRow {
  const { table: name, row } = (write ?? {}) as Partial<Write>
  const table = tables.find((declared) => declared.name === name)
  if (table === undefined)
    throw new StorableError(
      `table ${JSON.stringify(name)} is not among the handler's tables: ${tables.map((t) => t.name).join(', ') || 'none'}`,
    )
  if (typeof row !== 'object' || row === null || Array.isArray(row))
    throw new StorableError(`table ${table.name}: row must be an object of columns`)
  for (const column in row)
    if (!Object.hasOwn(table.columns, column))
      throw new StorableError(`table ${table.name} has no column ${column}`)
  const values: (string | null)[] = []
  for (const column in table.columns) {
    // Read once: a getter may say something else the next time.
    const value = Object.hasOwn(row, column) ? row[column] : null
    if (value == null && table.key.includes(column))
      throw new StorableError(`table ${table.name}: key column ${column} needs a value`)
    values.push(value == null ? null : textOf(table, column, value, budget))
  }
  return { table: table.name, values }
}

function textOf({ name, columns }: TableDefinition, column: string, value: unknown, budget: Budget): string {
  const type = columns[column] as ColumnType
  const text =
    type === 'jsonb' ? storableJson(`${name}.${column}`, value, budget.bytesLeft) : TEXTS[type](value)
  if (text === undefined)
    throw new StorableError(
      `${name}.${column} is ${type}, which cannot hold this ${typeof value}: ${excerpt(value)}`,
    )
  spend(budget, Buffer.byteLength(text))
  return text
}

/** Undefined for what the type cannot hold. */
const TEXTS: Readonly<Record<Exclude<ColumnType, 'jsonb'>, (value: unknown) => string | undefined>> = {
  text: (value) => (typeof value === 'string' && !value.includes('\0') ? value.toWellFormed() : undefined),
  integer: (value) => (Number.isInteger(value) && value === (Number(value) | 0) ? String(value) : undefined),
  bigint: (value) => (Number.isSafeInteger(value) ? String(value) : undefined),
  'double precision': (value) => (Number.isFinite(value) ? String(value) : undefined),
  boolean: (value) => (typeof value === 'boolean' ? String(value) : undefined),
  timestamptz: timestamp,
}

function spend(budget: Budget, bytes: number): void {
  budget.bytesLeft -= bytes
  if (budget.bytesLeft < 0)
    throw new StorableError(
      `the writes take more than the ${WRITES_BYTES_MAX} bytes that are stored for one job`,
    )
}

/** Within the years that both ISO 8601's four digits and PostgreSQL's parser take. */
function timestamp(value: unknown): string | undefined {
  if (typeof value !== 'string' && !(value instanceof Date)) return undefined
  const date = new Date(value)
  const year = date.getUTCFullYear()
  return year >= 1 && year <= 9_999 ? date.toISOString() : undefined
}

const excerpt = (value: unknown): string =>
  String(typeof value === 'object' && !(value instanceof Date) ? '…' : value).slice(0, 80)

import type { ColumnType, TableDefinition } from '../../runtime/handler/define-table.ts'
import type { Write } from '../../runtime/job/outcome.ts'
import { StorableError, storableJson } from './storable-json.ts'

/**
 * A handler's writes, checked against the tables it declared, where only its own job can be hurt: in the writer one bad
 * row makes the database refuse the whole batch.
 */
const WRITES_MAX = 100
const WRITES_BYTES_MAX = 262_144

/** Plain copies that can be sent to another thread. Throws StorableError naming table, column and value. */
export function checkWrites(writes: unknown, tables: readonly TableDefinition[]): readonly Write[] {
  if (writes === undefined) return []
  if (!Array.isArray(writes)) throw new StorableError('writes must be an array of { table, row }')
  if (writes.length > WRITES_MAX)
    throw new StorableError(`${writes.length} writes are too many; at most ${WRITES_MAX} are stored`)
  const budget = { bytesLeft: WRITES_BYTES_MAX }
  return writes.map((write) => checkWrite(write, tables, budget))
}

interface Budget {
  bytesLeft: number
}

function checkWrite(write: unknown, tables: readonly TableDefinition[], budget: Budget): Write {
  const { table: name, row } = (write ?? {}) as Partial<Write>
  const table = tables.find((declared) => declared.name === name)
  if (table === undefined)
    throw new StorableError(
      `table ${JSON.stringify(name)} is not among the handler's tables: ${tables.map((t) => t.name).join(', ') || 'none'}`,
    )
  if (typeof row !== 'object' || row === null || Array.isArray(row))
    throw new StorableError(`table ${table.name}: row must be an object of columns`)
  const checked: Record<string, unknown> = {}
  for (const [column, value] of Object.entries(row)) {
    const type = Object.hasOwn(table.columns, column) ? table.columns[column] : undefined
    if (type === undefined) throw new StorableError(`table ${table.name} has no column ${column}`)
    checked[column] = value == null ? null : checkValue(`${table.name}.${column}`, type, value, budget)
  }
  for (const column of table.key)
    if (checked[column] == null)
      throw new StorableError(`table ${table.name}: key column ${column} needs a value`)
  return { table: table.name, row: checked }
}

function checkValue(column: string, type: ColumnType, value: unknown, budget: Budget): unknown {
  const refuse = (): never => {
    throw new StorableError(`${column} is ${type}, which cannot hold this ${typeof value}: ${excerpt(value)}`)
  }
  switch (type) {
    case 'text':
      if (typeof value !== 'string' || value.includes('\0')) return refuse()
      spend(budget, Buffer.byteLength(value))
      return value.toWellFormed()
    case 'integer':
      return Number.isInteger(value) && value === (Number(value) | 0) ? value : refuse()
    case 'bigint':
      return Number.isSafeInteger(value) ? value : refuse()
    case 'double precision':
      return Number.isFinite(value) ? value : refuse()
    case 'boolean':
      return typeof value === 'boolean' ? value : refuse()
    case 'timestamptz':
      return timestamp(value) ?? refuse()
    case 'jsonb': {
      const json = storableJson(column, value, budget.bytesLeft)
      spend(budget, json.bytes)
      return json.value
    }
  }
}

function spend(budget: Budget, bytes: number): void {
  budget.bytesLeft -= bytes
  if (budget.bytesLeft < 0)
    throw new StorableError(
      `the writes take more than the ${WRITES_BYTES_MAX} bytes that are stored for one job`,
    )
}

function timestamp(value: unknown): string | undefined {
  if (typeof value !== 'string' && !(value instanceof Date)) return undefined
  const date = new Date(value)
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString()
}

const excerpt = (value: unknown): string => String(typeof value === 'object' ? '…' : value).slice(0, 80)

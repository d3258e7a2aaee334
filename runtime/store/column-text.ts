import type { ColumnType } from '../handler/define-table.ts'
import { SqlError } from './sql.ts'
import { storableJson, storableText } from './storable-text.ts'

/**
 * A handler's value as text of its column's type; null for null and undefined. Throws SqlError: 22023 for a value of
 * another type, 22003 for a number out of range, and what `storable-text.ts` throws.
 */
export function columnText(column: string, type: ColumnType, value: unknown): string | null {
  if (value === null || value === undefined) return null
  const text = ENCODERS[type](value, column)
  if (text === undefined)
    throw new SqlError(
      `${column} is ${type}, which can't hold this ${typeof value}: ${excerpt(value)}`,
      '22023',
    )
  return text
}

const INTEGER_MAX = 2 ** 31 - 1
const BIGINT_MAX = 2n ** 63n - 1n

/** Undefined: not a value of the type. */
const ENCODERS: Record<ColumnType, (value: unknown, column: string) => string | undefined> = {
  text: (value, column) => (typeof value === 'string' ? storableText(column, value) : undefined),
  integer: (value, column) =>
    isWhole(value) ? within(column, BigInt(value), BigInt(INTEGER_MAX)) : undefined,
  bigint: (value, column) => (isWhole(value) ? within(column, BigInt(value), BIGINT_MAX) : undefined),
  'double precision': (value) => (typeof value === 'number' ? String(value) : undefined),
  boolean: (value) => (typeof value === 'boolean' ? String(value) : undefined),
  jsonb: (value, column) => storableJson(column, value),
  timestamptz: (value, column) => {
    if (value instanceof Date) return Number.isNaN(value.getTime()) ? undefined : value.toISOString()
    return typeof value === 'string' ? storableText(column, value) : undefined
  },
}

const isWhole = (value: unknown): value is number | bigint =>
  typeof value === 'bigint' || Number.isInteger(value)

function within(column: string, value: bigint, max: bigint): string {
  if (value > max || value < -max - 1n) throw new SqlError(`${column}: ${value} is out of range`, '22003')
  return value.toString()
}

const excerpt = (value: unknown): string => (typeof value === 'object' ? '…' : String(value).slice(0, 80))

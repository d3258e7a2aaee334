import { expect, it } from 'vitest'
import { checkWrites } from '../../../actors/pool/check-writes.ts'
import { defineTable } from '../../../runtime/handler/define-table.ts'
import { readRow } from '../../support/readable-report.ts'

const table = defineTable({
  name: 'samples',
  key: ['id'],
  columns: {
    id: 'text',
    small: 'integer',
    large: 'bigint',
    ratio: 'double precision',
    yes: 'boolean',
    facts: 'jsonb',
    at: 'timestamptz',
  },
})
const ABSENT = { small: null, large: null, ratio: null, yes: null, facts: null, at: null }
const rowOf = (row: object) =>
  checkWrites([{ table: 'samples', row: { id: 'a', ...row } }], [table]).map((stored) =>
    readRow(stored, [table]),
  )[0]

it('values that their column can hold are taken over as its text, absent ones as null', () => {
  const row = {
    small: -(2 ** 31),
    large: 2 ** 53 - 1,
    ratio: 0.5,
    yes: false,
    facts: { list: [1, 'x'] },
    at: new Date(0),
  }
  expect(rowOf(row)).toEqual({ id: 'a', ...row, at: '1970-01-01T00:00:00.000Z' })
  expect(rowOf({ small: undefined, facts: null })).toEqual({ id: 'a', ...ABSENT })
  expect(rowOf({ at: '2030-01-01T02:00:00+02:00' })).toEqual({
    id: 'a',
    ...ABSENT,
    at: '2030-01-01T00:00:00.000Z',
  })
})

it.each([
  [{ id: 'a\0' }, 'samples.id is text, which cannot hold this string'],
  [{ id: 7 }, 'samples.id is text, which cannot hold this number: 7'],
  [{ small: 2 ** 31 }, 'samples.small is integer, which cannot hold this number: 2147483648'],
  [{ small: 0.5 }, 'samples.small is integer'],
  [{ small: '1' }, 'samples.small is integer, which cannot hold this string: 1'],
  [{ large: 2 ** 53 }, 'samples.large is bigint'],
  [{ ratio: Number.NaN }, 'samples.ratio is double precision'],
  [{ yes: 1 }, 'samples.yes is boolean'],
  [{ at: 'soon' }, 'samples.at is timestamptz'],
  [{ at: 12 }, 'samples.at is timestamptz'],
  [{ at: new Date(Date.UTC(10_000, 0)) }, 'samples.at is timestamptz'],
  [{ at: '0000-12-31T23:59:59.999Z' }, 'samples.at is timestamptz'],
  [{ facts: { text: '\0' } }, 'samples.facts holds a NUL character'],
  [{ id: null }, 'table samples: key column id needs a value'],
  [{ constructor: 1 }, 'table samples has no column constructor'],
])('a row with %j is refused by table, column and value', (row, message) => {
  expect(() => rowOf(row)).toThrow(message)
})

it.each([
  ['text', 'writes must be an array'],
  [[null], 'table undefined is not among'],
  [[{ table: 'samples' }], 'row must be an object'],
  [[{ table: 'samples', row: [] }], 'row must be an object'],
  [
    Array(101).fill({ table: 'samples', row: { id: 'a' } }),
    '101 writes are too many; at most 100 are stored',
  ],
])('writes that are no list of rows are refused: %j', (writes, message) => {
  expect(() => checkWrites(writes, [table])).toThrow(message)
})

it('the writes of one job are bounded in bytes together', () => {
  const writes = ['a', 'b', 'c'].map((id) => ({ table: 'samples', row: { id, facts: 'x'.repeat(100_000) } }))
  expect(checkWrites(writes.slice(0, 2), [table])).toHaveLength(2)
  expect(() => checkWrites(writes, [table])).toThrow(
    /samples\.facts takes 100002 bytes|more than the 262144 bytes/,
  )
})

it('half a surrogate pair becomes U+FFFD, as in any UTF-8', () => {
  expect(rowOf({ id: 'a\ud800' })).toEqual({ id: 'a\uFFFD', ...ABSENT })
})

it('a list with holes is refused: cloned to another thread they would stay holes', () => {
  const writes: unknown[] = []
  writes[1] = { table: 'samples', row: { id: 'a' } }
  expect(() => checkWrites(writes, [table])).toThrow('table undefined is not among')
})

it('a key that only the prototype holds is none', () => {
  const row = Object.create({ id: 'inherited' }, { small: { value: 1, enumerable: true } })
  expect(() => checkWrites([{ table: 'samples', row }], [table])).toThrow('key column id needs a value')
})

it('a getter is read once: what was checked is what is stored', () => {
  let reads = 0
  const row = {
    get id() {
      return `read ${++reads}`
    },
  }
  expect(checkWrites([{ table: 'samples', row }], [table])[0]?.values[0]).toBe('read 1')
  expect(reads).toBe(1)
})

it('the first and the last day that PostgreSQL reads from four digits are stored', () => {
  for (const at of ['0001-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z'])
    expect(rowOf({ at })).toMatchObject({ at })
})

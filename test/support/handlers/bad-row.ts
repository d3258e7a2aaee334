import { defineHandler, defineTable, Type } from 'spillway'

const numbers = defineTable({ name: 'numbers', key: ['n'], columns: { n: 'integer', big: 'integer' } })

/** Writes what the database refuses when it is told a number that no integer column holds. */
export default defineHandler({
  kind: 'test.number',
  pool: 'a',
  timeoutMs: 5_000,
  payload: Type.Object({ n: Type.Integer(), big: Type.Number() }),
  tables: [numbers],
  handle: ({ payload: { n, big } }) => ({ writes: [{ table: 'numbers', row: { n, big } }] }),
})

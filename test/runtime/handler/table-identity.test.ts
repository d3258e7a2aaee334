import { expect, it } from 'vitest'
import { defineHandler } from '../../../runtime/handler/define-handler.ts'
import type { TableDefinition } from '../../../runtime/handler/define-table.ts'
import { Type } from '../../../runtime/handler/index.ts'
import { checkSameTables, tableIdentities } from '../../../runtime/handler/table-identity.ts'

const LEADS: TableDefinition = {
  name: 'leads',
  key: ['domain', 'city'],
  columns: { domain: 'text', city: 'text', score: 'text' },
}
const handlerWith = (...tables: TableDefinition[]) =>
  defineHandler({
    kind: 'test.run',
    pool: 'a',
    payload: Type.Object({}),
    timeoutMs: 1,
    tables,
    handle: () => ({}),
  })

const check = (...tables: TableDefinition[]) =>
  checkSameTables([handlerWith(...tables)], structuredClone(tableIdentities([handlerWith(LEADS)])))

it('the tables that a node has started with are the same, and so is one that it does not know', () => {
  expect(() => check({ ...LEADS }, { ...LEADS, name: 'other', key: ['city'] })).not.toThrow()
})

it.each([
  ['swapped columns', { columns: { domain: 'text', score: 'text', city: 'text' } }],
  ['a renamed column', { columns: { domain: 'text', city: 'text', points: 'text' } }],
  ['a column of another type', { columns: { domain: 'text', city: 'text', score: 'integer' } }],
  ['another key', { key: ['domain'] }],
] as const)('%s: the table is another one, though it has as many columns', (_, change) => {
  expect(() => check({ ...LEADS, ...change })).toThrow(
    /^handler test\.run: table leads is .* restart the node/,
  )
})

it('two handlers that declare one table differently are found too', () => {
  const swapped = { ...LEADS, columns: { domain: 'text', score: 'text', city: 'text' } } as const
  const handlers = [handlerWith(LEADS), handlerWith(swapped)]
  expect(() => checkSameTables(handlers, tableIdentities(handlers))).toThrow('import one definition')
})

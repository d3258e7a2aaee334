import { expect, it } from 'vitest'
import {
  DEFAULT_RETRY,
  defineHandler,
  HandlerDefinitionError,
  isHandler,
} from '../../../runtime/handler/define-handler.ts'
import { defineTable, TableDefinitionError } from '../../../runtime/handler/define-table.ts'
import { Type } from '../../../runtime/handler/index.ts'

const minimal = {
  kind: 'lead.test',
  pool: 'a',
  timeoutMs: 100,
  payload: Type.Object({}),
  handle: () => ({}),
} as const
const refusalOf = (change: object): string => {
  try {
    defineHandler({ ...minimal, ...change } as never)
  } catch (error) {
    expect(error).toBeInstanceOf(HandlerDefinitionError)
    return (error as Error).message
  }
  return 'accepted'
}

it('defaults are filled in, and the result is known as a handler', () => {
  const handler = defineHandler({ ...minimal, retry: { attemptsMax: 2 } })
  expect(handler.retry).toEqual({ ...DEFAULT_RETRY, attemptsMax: 2 })
  expect(handler.tables).toEqual([])
  expect(isHandler(handler)).toBe(true)
  expect(isHandler({ ...minimal })).toBe(false)
})

it.each([
  [{ kind: 'lead' }, 'kind must match'],
  [{ pool: 'd' }, 'pool "d" is none of a, b, c'],
  [{ payload: undefined }, 'payload must be a schema'],
  [{ timeoutMs: 0 }, 'timeoutMs 0 must be a whole number from 1 to 3600000'],
  // setTimeout would take it for 1 ms.
  [{ timeoutMs: 2 ** 31 }, 'timeoutMs 2147483648 must be'],
  [{ orderedTier: 'high' }, 'orderedTier "high" is no tier'],
  [{ handle: 1 }, 'handle must be a function'],
  [{ retry: { attempts: 3 } }, 'retry.attempts is unknown: there are attemptsMax'],
  [{ retry: { attemptsMax: 101 } }, 'retry.attemptsMax 101 must be a whole number from 1 to 100'],
  [{ retry: { backoffMinMs: 70_000 } }, 'retry.backoffMinMs 70000 is above retry.backoffMaxMs 60000'],
])('a definition with %j is refused by name and value', (change, message) => {
  expect(refusalOf(change)).toContain(message)
})

it.each([
  [{ name: 'Leads' }, 'table "Leads": name must match'],
  [{ key: [] }, 'key needs at least one column'],
  [{ columns: { email: 'text', tenant: 'text' } }, 'column "tenant" is filled by the runtime'],
  [{ columns: { email: 'varchar' } }, 'column email: "varchar" is none of text, integer'],
])('a table with %j is refused by name and value', (change, message) => {
  const table = { name: 'leads', key: ['email'], columns: { email: 'text' }, ...change }
  expect(() => defineTable(table as never)).toThrow(TableDefinitionError)
  expect(() => defineTable(table as never)).toThrow(message)
})

it('tables are checked, also those that defineTable has not seen', () => {
  const table = { name: 'leads', key: ['email'], columns: { email: 'text' } }
  expect(() => defineHandler({ ...minimal, tables: [{ ...table, key: ['constructor'] }] } as never)).toThrow(
    'table "leads": key column "constructor" is not among its columns',
  )
  expect(() =>
    defineHandler({ ...minimal, tables: [{ ...table, key: ['email', 'email'] }] } as never),
  ).toThrow('names one column twice')
  expect(refusalOf({ tables: [table, table] })).toContain('tables names one table twice')
})

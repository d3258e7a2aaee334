import { afterEach, describe, expect, test } from 'vitest'
import { defineTable, type TableDefinition } from '../../../runtime/handler/define-table.ts'
import { migrate } from '../../../runtime/store/migrate.ts'
import { fromLog, keyedEnvelope, LEADS, NOON_MS, ofRow, rowFor, type StoreBench, TODAY } from './fixture.ts'

const DAY_MS = 86_400_000
const onDay = (day: number, fields: Parameters<typeof fromLog>[0] = {}) =>
  fromLog({ ...fields, job: { ...fields.job, acceptedAtMs: NOON_MS + (day - TODAY) * DAY_MS } })

export function schemaTests(bench: () => StoreBench): void {
  const days = async () => {
    const rows = await bench().rows(
      `select inhrelid::regclass::text as name from pg_inherits where inhparent = 'spillway.jobs'::regclass`,
    )
    return rows.map(({ name }) => Number(String(name).slice('spillway.jobs_day_'.length))).sort()
  }

  describe('day partitions', () => {
    test('are created by the first commit that needs them, one per day of an id', async () => {
      const { store } = bench()
      expect(await days()).toEqual([])
      await store.commit([onDay(TODAY), onDay(TODAY - 1), onDay(TODAY)])
      expect(await days()).toEqual([TODAY - 1, TODAY])
      await Promise.all([store, bench().anotherNode()].map((node) => node.commit([onDay(TODAY + 1)])))
      expect(await days()).toEqual([TODAY - 1, TODAY, TODAY + 1])
    })

    test('are dropped when their day is over, and conflicts with them', async () => {
      const { store } = bench()
      const [old, young] = [onDay(TODAY - 2), onDay(TODAY - 1)]
      const conflicts = [0, -2].map((day) => keyedEnvelope('k', 'first', NOON_MS + day * DAY_MS))
      const others = [0, -2].map((day) => keyedEnvelope('k', 'second', NOON_MS + day * DAY_MS))
      await store.commit([old, young, ...[...conflicts, ...others].map((envelope) => fromLog({ envelope }))])
      await store.dropDaysBefore(TODAY - 1)
      expect(await days()).toEqual([TODAY - 1, TODAY])
      expect(await store.find(old.envelope.id)).toBeUndefined()
      expect(await store.find(young.envelope.id)).toBeDefined()
      expect(await bench().rows('select id from spillway.job_conflicts')).toEqual([{ id: others[0]?.id }])
    })

    test('with unfinished rows are kept until those are finished', async () => {
      const { store } = bench()
      await store.commit([onDay(TODAY - 5, { state: 'retry', dueAtMs: NOON_MS }), onDay(TODAY - 5)])
      await store.dropDaysBefore(TODAY)
      expect(await days()).toEqual([TODAY - 5])
      const [claimed] = await store.claimDue('a', NOON_MS, 1)
      await store.dropDaysBefore(TODAY)
      await store.commit([ofRow(claimed!.envelope)])
      await store.dropDaysBefore(TODAY)
      expect(await days()).toEqual([])
    })

    test('dropped by another node are created again', async () => {
      const { store } = bench()
      await store.commit([onDay(TODAY - 5)])
      await bench().anotherNode().dropDaysBefore(TODAY)
      const late = onDay(TODAY - 5)
      expect(await store.commit([late, fromLog()])).toEqual([{ verdict: 'applied' }, { verdict: 'applied' }])
      expect(await store.find(late.envelope.id)).toBeDefined()
    })
  })

  describe('migrations', () => {
    const refusal = async (table: TableDefinition) => {
      const error = await migrate(bench().sql, [table]).then(
        () => undefined,
        (cause) => cause,
      )
      expect(error).toMatchObject({ name: 'MigrationError' })
      return error.message
    }
    const things = (fields: Partial<TableDefinition> = {}) =>
      defineTable({ name: 'things', key: ['id'], columns: { id: 'text', at: 'timestamptz' }, ...fields })
    afterEach(() => bench().sql.script('drop table if exists things'))

    test('are applied once, and change nothing the second time', async () => {
      const { sql, store } = bench()
      await store.commit([fromLog({ writes: [rowFor('leads', { domain: 'a' })] })])
      const migrations = await bench().rows('select * from spillway.migrations')
      expect(migrations.length).toBeGreaterThan(0)
      await Promise.all([migrate(sql, [LEADS]), migrate(sql, [LEADS])])
      expect(await bench().rows('select * from spillway.migrations')).toEqual(migrations)
      expect(await bench().rows('select domain from leads')).toEqual([{ domain: 'a' }])
    })

    test('by two nodes at once are applied once', async () => {
      const { sql } = bench()
      await sql.script('drop schema spillway cascade')
      await Promise.all([1, 2, 3].map(() => migrate(sql, [LEADS])))
      expect(await bench().rows('select number from spillway.migrations')).toEqual([
        { number: 1 },
        { number: 2 },
      ])
    })

    test('of a newer node are not touched by an older one', async () => {
      const { sql } = bench()
      await sql.script(`insert into spillway.migrations (number, name) values (999, 'later')`)
      await expect(migrate(sql, [])).rejects.toThrow(/at migration 999, this node knows \d+ only/)
    })

    test('create a declared table once, also when handlers share it', async () => {
      const { sql } = bench()
      await migrate(sql, [things(), things()])
      await migrate(sql, [things()])
      await sql.query(`insert into things (tenant, job_id, id) values ('a', 'j', 'x')`)
      await expect(
        sql.query(`insert into things (tenant, job_id, id) values ('a', 'j', 'x')`),
      ).rejects.toThrow()
    })

    test('refuse two declarations of one table that differ', async () => {
      await expect(migrate(bench().sql, [things(), things({ columns: { id: 'integer' } })])).rejects.toThrow(
        /table things is declared twice and differently/,
      )
    })

    test('refuse a table of another make, naming table, column, found and wanted type', async () => {
      await migrate(bench().sql, [things()])
      expect(await refusal(things({ columns: { id: 'integer', at: 'timestamptz' } }))).toContain(
        'table things is in the database already, and its column id is text; wanted is integer',
      )
      expect(await refusal(things({ columns: { id: 'text', score: 'integer' } }))).toContain(
        'has no column score; wanted is integer',
      )
      expect(await refusal(things({ key: ['id', 'at'] }))).toContain(
        'its primary key is (tenant, id); wanted is (tenant, id, at)',
      )
    })

    test('refuse a column that no handler fills, but not one that may stay empty', async () => {
      const { sql } = bench()
      await migrate(sql, [things()])
      await sql.script(`alter table things add note text, add created timestamptz not null default now()`)
      await migrate(sql, [things()])
      await sql.script('alter table things add owner text not null')
      expect(await refusal(things())).toContain('has a column owner that is not declared and needs a value')
    })
  })
}

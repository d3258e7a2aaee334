import { messages, PGlite } from '@electric-sql/pglite'
import { beforeAll, expect, test } from 'vitest'
import { PgliteSql } from '../../../runtime/store/pglite-sql.ts'

let sql: PgliteSql
beforeAll(async () => {
  sql = new PgliteSql(await PGlite.create())
})

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)

test('parameters are text, numbers, booleans and null; rows come as JavaScript values', async () => {
  const rows = await sql.query(
    `select $1::text as a, $2::integer as b, $3::boolean as c, $4::text as d, $5::bigint as e, $6::jsonb as f, $7::text[] as g`,
    ['ü"\\', 5, true, null, 2 ** 40, '{"x":[1]}', '{"a,b",NULL}'],
  )
  expect(rows).toEqual([{ a: 'ü"\\', b: 5, c: true, d: null, e: 2 ** 40, f: { x: [1] }, g: ['a,b', null] }])
  expect(await sql.query('select 1 as x where false')).toEqual([])
})

test('statements given at the same time run one after the other, in order', async () => {
  await sql.script('create table log (n integer, at serial)')
  await Promise.all(numbers(20).map((n) => sql.query('insert into log (n) values ($1)', [n])))
  expect((await sql.query('select n from log order by at')).map(({ n }) => n)).toEqual(numbers(20))
})

test('a failing statement rejects with its SQLSTATE, and the next one runs', async () => {
  for (const [text, parameters, sqlState] of [
    ['select 1/0', [], '22012'],
    ['select $1::integer', ['x'], '22P02'],
    ['select $1::text', ['a\0'], '22021'],
    ['select $1::jsonb', ['"\\u0000"'], '22P05'],
    ['selec', [], '42601'],
    ['select 1; select 2', [], '42601'],
  ] as const) {
    await expect(sql.query(text, parameters)).rejects.toMatchObject({ name: 'SqlError', sqlState })
    expect(await sql.query('select 1 as x')).toEqual([{ x: 1 }])
  }
})

test('a script is one transaction: of one that fails nothing is left', async () => {
  await expect(sql.script('create table half (x integer); select 1/0')).rejects.toMatchObject({
    sqlState: '22012',
  })
  expect(await sql.query(`select to_regclass('half') as half`)).toEqual([{ half: null }])
})

test('a prepared statement is planned again when its tables change, and outlives a first run that failed', async () => {
  const statement = { name: 'reciprocal', text: 'select 1 / $1::integer as x from made' }
  await expect(sql.prepared(statement, [1])).rejects.toMatchObject({ sqlState: '42P01' })
  await sql.script('create table made (); insert into made default values')
  await expect(sql.prepared(statement, [0])).rejects.toMatchObject({ sqlState: '22012' })
  for (const n of numbers(8)) expect(await sql.prepared(statement, [n + 1])).toEqual([{ x: n === 0 ? 1 : 0 }])
  await sql.script('drop table made; create table made (); insert into made default values')
  expect(await sql.prepared(statement, [1])).toEqual([{ x: 1 }])
})

test('the write-ahead log is cut back as it grows', async () => {
  const redo = async () =>
    (await sql.query('select redo_lsn::text as lsn from pg_control_checkpoint()'))[0]?.lsn
  const before = await redo()
  // Each switch leaves the rest of a segment of 16 MiB behind.
  for (const n of numbers(6)) {
    await sql.script(`create table segment_${n} ()`)
    await sql.query('select pg_switch_wal()')
  }
  for (const _ of numbers(64)) await sql.query('select 1')
  expect(await redo()).not.toBe(before)
})

test('a statement that breaks PGlite is told apart, and nothing runs on the broken instance', async () => {
  const nested = '['.repeat(10_000) + ']'.repeat(10_000)
  const results = await Promise.allSettled([sql.query('select $1::jsonb', [nested]), sql.query('select 1')])
  expect(results).toMatchObject([
    { status: 'rejected', reason: { sqlState: 'XX000', isDataError: false, isTransient: true } },
    { status: 'rejected', reason: { sqlState: '08006', isTransient: true } },
  ])
  await expect(sql.query('select 1')).rejects.toMatchObject({ sqlState: '08006' })
  await sql.close()
})

test('a PANIC for want of disk is transient, and breaks the instance: PGlite would never answer again', async () => {
  let asked = 0
  const panic = Object.assign(new messages.DatabaseError('could not write to file "pg_wal/x"', 1, 'error'), {
    severity: 'PANIC',
    code: '53100',
  })
  const wedged = {
    ready: true,
    runExclusive: (run: () => unknown) => run(),
    execProtocolStream: async () => {
      if (asked++ > 0) return new Promise(() => {})
      throw panic
    },
  } as unknown as PGlite
  const full = new PgliteSql(wedged)
  await expect(full.query('select 1')).rejects.toMatchObject({ sqlState: '53100', isTransient: true })
  expect(full.isBroken).toBe(true)
  await expect(full.query('select 1')).rejects.toMatchObject({ sqlState: '08006', isTransient: true })
})

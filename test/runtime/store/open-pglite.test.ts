import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { PGlite } from '@electric-sql/pglite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPglite } from '../../../runtime/store/open-pglite.ts'

/** `data/postgres`: created by the first open. `killed`: its files as they were while it was open. */
const root = mkdtempSync(join(tmpdir(), 'spillway-test-'))
const directory = join(root, 'data', 'postgres')
const killed = join(root, 'killed')
let syncs = 0

beforeAll(async () => {
  // Left by a first start that was killed.
  mkdirSync(`${directory}.unfinished/base`, { recursive: true })
  writeFileSync(`${directory}.unfinished/PG_VERSION`, '18')
  const pg = await openPglite(directory)
  await pg.exec('create table kept (n integer); checkpoint')
  syncs = await syncsDuring(pg, () => pg.query('insert into kept values (1)'))
  cpSync(directory, killed, { recursive: true })
  await pg.close()
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

async function syncsDuring(pg: PGlite, run: () => Promise<unknown>): Promise<number> {
  const { stream_ops: operations } = (
    pg.Module as unknown as { NODEFS: { stream_ops: { fsync: (s: unknown) => number } } }
  ).NODEFS
  const { fsync } = operations
  let count = 0
  operations.fsync = (stream) => {
    count++
    return fsync(stream)
  }
  await run()
  operations.fsync = fsync
  return count
}

async function rowsIn(path: string): Promise<unknown> {
  const pg = await openPglite(path)
  const { rows } = await pg.query('select n from kept')
  await pg.close()
  return rows
}

/** A copy of the database, damaged; what opening it says. */
async function refusal(damage: (path: string) => void): Promise<string> {
  const path = join(root, 'damaged')
  rmSync(path, { recursive: true, force: true })
  cpSync(killed, path, { recursive: true })
  damage(path)
  const error = await openPglite(path).then(
    () => undefined,
    (cause) => cause,
  )
  expect(error).toMatchObject({ name: 'StoreDirectoryError' })
  expect(error.message).toContain(path)
  return error.message
}

test('a database is made where there is none, whatever a killed first start has left', async () => {
  expect(existsSync(`${directory}.unfinished`)).toBe(false)
  expect(await rowsIn(directory)).toEqual([{ n: 1 }])
})

test('a commit reaches the disk before it is answered', () => {
  expect(syncs).toBeGreaterThan(0)
})

test('what was committed is there after a kill', async () => {
  const path = join(root, 'recovered')
  cpSync(killed, path, { recursive: true })
  expect(await rowsIn(path)).toEqual([{ n: 1 }])
})

test('a damaged database says what is wrong with it and what to do', async () => {
  const remedy = /Restore it from a backup, or move it away and start with an empty one/
  for (const [file, content, reason] of [
    ['global/pg_control', Buffer.alloc(8192, 7), /PG_CONTROL_VERSION/],
    ['global/pg_control', undefined, /could not open file "global\/pg_control"/],
    ['PG_VERSION', '17\n', /initialized by PostgreSQL version 17/],
  ] as const) {
    const message = await refusal((path) => {
      if (content === undefined) rmSync(join(path, file))
      else writeFileSync(join(path, file), content)
    })
    expect(message).toMatch(reason)
    expect(message).toMatch(remedy)
  }
})

test('a directory with other files is not written to', async () => {
  const message = await refusal((path) => rmSync(join(path, 'PG_VERSION')))
  expect(message).toMatch(/it holds other files \(.*\), but no PG_VERSION/)
  expect(existsSync(join(root, 'damaged', 'PG_VERSION'))).toBe(false)
})

test('a file in its place is left alone', async () => {
  const message = await refusal((path) => {
    rmSync(path, { recursive: true })
    writeFileSync(path, 'precious')
  })
  expect(message).toMatch(/must be empty, absent, or one that a node has written/)
  expect(readFileSync(join(root, 'damaged'), 'utf8')).toBe('precious')
})

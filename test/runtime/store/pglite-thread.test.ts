import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { migrate } from '../../../runtime/store/migrate.ts'
import pgliteThread from '../../../runtime/store/pglite-thread.ts'
import { SqlJobStore } from '../../../runtime/store/sql-job-store.ts'
import { ThreadSql } from '../../../runtime/store/thread-sql.ts'
import type { ThreadBehaviour } from '../../../runtime/threads/thread-module.ts'
import { anOutcome } from '../../support/jobs.ts'

const root = mkdtempSync(join(tmpdir(), 'spillway-test-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** The module as the thread host runs it, messages cloned in both directions; `ended` is how its task would end. */
async function thread() {
  const busy: number[] = []
  const ends = Promise.withResolvers<never>()
  const sql = new ThreadSql({
    post: (message) => {
      Promise.resolve(behaviour.receive(structuredClone(message))).catch(ends.reject)
      return 'accepted'
    },
  })
  const behaviour: ThreadBehaviour = await pgliteThread(
    { directory: join(root, 'postgres') },
    {
      path: '/node/store/database',
      incarnation: 1,
      post: (message) => sql.receive(structuredClone(message)),
      setBusy: (statements) => busy.push(statements),
    },
  )
  return { sql, behaviour, busy, ended: ends.promise }
}

test('carries the job table; errors keep their SQLSTATE; stopped and started again it has everything', async () => {
  const first = await thread()
  await migrate(first.sql, [])
  const store = new SqlJobStore(first.sql, { leaseMs: 1_000, tables: [] })
  const outcome = anOutcome()
  expect(await store.commit([outcome, outcome])).toEqual([
    { verdict: 'applied' },
    { verdict: 'duplicate', state: 'done' },
  ])
  await expect(first.sql.query('select 1/0')).rejects.toMatchObject({ name: 'SqlError', sqlState: '22012' })

  first.busy.length = 0
  const outstanding = [1, 2, 3].map((n) => first.sql.query(`select ${n} as n`))
  const stopped = first.behaviour.terminate?.()
  expect(await Promise.all(outstanding)).toEqual([[{ n: 1 }], [{ n: 2 }], [{ n: 3 }]])
  expect(first.busy).toEqual([1, 2, 3, 2, 1, 0])
  await stopped
  await expect(first.sql.query('select 1')).rejects.toMatchObject({ sqlState: '08003', isTransient: true })

  const second = await thread()
  const restarted = new SqlJobStore(second.sql, { leaseMs: 1_000, tables: [] })
  expect(await restarted.find(outcome.envelope.id)).toMatchObject({ state: 'done' })

  // What breaks the database is answered, and then ends the thread.
  const nested = '['.repeat(10_000) + ']'.repeat(10_000)
  await expect(second.sql.query('select $1::jsonb', [nested])).rejects.toMatchObject({ sqlState: 'XX000' })
  await expect(second.ended).rejects.toMatchObject({ sqlState: 'XX000' })
})

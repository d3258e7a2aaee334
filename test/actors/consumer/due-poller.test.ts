import { expect, onTestFinished, test } from 'vitest'
import { DuePoller, type DuePollerMessage } from '../../../actors/consumer/due-poller.ts'
import { SoloTurn } from '../../../actors/consumer/solo-turn.ts'
import { ActorCell } from '../../../runtime/actor/actor-cell.ts'
import type { Job } from '../../../runtime/job/job.ts'
import type { Claim, JobStore } from '../../../runtime/store/job-store.ts'
import { SqlError } from '../../../runtime/store/sql.ts'
import { aJob } from '../../support/jobs.ts'
import { testSystem } from '../../support/test-system.ts'
import { until } from '../../support/until.ts'

/** A job table with more due than anyone can run, which is away for its first `failures` questions. */
async function start({
  failures = 0,
  isStopping = false,
  suspects = 0,
  soloTurn = new SoloTurn(),
  claiming = Promise.resolve(),
  takes = (): boolean => true,
} = {}) {
  let left = failures
  const delivered: Job[] = []
  const limits: number[] = []
  const released: Claim[] = []
  const store: Pick<JobStore, 'heldKeys' | 'claimDue' | 'claimSolo' | 'release'> = {
    release: async (claims) => released.push(...claims),
    heldKeys: async () => {
      if (left-- > 0) throw new SqlError('the database thread is not running', '08001')
      return []
    },
    claimSolo: async () => (suspects-- > 0 ? { envelope: aJob().envelope, leaseUntilMs: 0 } : undefined),
    claimDue: async (_pool, _now, limit) => {
      limits.push(limit)
      await claiming
      return Array.from({ length: limit }, () => ({ envelope: aJob().envelope, leaseUntilMs: 0 }))
    },
  }
  const claims = new Map<string, number>()
  const cell = new ActorCell<DuePollerMessage>(testSystem(), '/test/due', 100, (self) => {
    return new DuePoller({
      store: store as JobStore,
      pool: 'a',
      pollMs: 5,
      batchJobsMax: 3,
      outstandingJobsMax: 7,
      patience: { everyMs: 5, timeoutMs: 5_000, now: Date.now, isStopping: () => isStopping },
      claims,
      soloTurn,
      now: Date.now,
      hold: () => {},
      deliver: (jobs) => {
        if (self.ended.aborted || !takes()) return false
        delivered.push(...jobs)
        return true
      },
    })
  })
  onTestFinished(() => cell.stop())
  await cell.start()
  return { cell, delivered, limits, released }
}

const claimsOf = (jobs: readonly Job[]): Claim[] =>
  jobs.map(({ envelope: { id, attempt } }) => ({ id, attempt }))

test('no more is claimed than can be run, and more when that is settled', async () => {
  const { cell, delivered, limits } = await start()
  await until(() => delivered.length === 7, 'all that is allowed')
  expect(limits).toEqual([3, 3, 1])
  cell.tell({ type: 'settled', claims: claimsOf(delivered.slice(0, 2)) })
  await until(() => delivered.length === 9, 'what was settled')
  expect(limits).toEqual([3, 3, 1, 2])
})

test('a job table that comes up later is waited for', async () => {
  const { delivered } = await start({ failures: 3 })
  await until(() => delivered.length > 0, 'the first claims')
})

test('a start that waits for the job table is given up when the node stops', async () => {
  await expect(start({ failures: 1, isStopping: true })).rejects.toThrow('not running')
})

test('paused it claims nothing more, and gives back what is claimed and not settled in this attempt', async () => {
  const { cell, delivered, limits, released } = await start()
  await until(() => delivered.length === 7, 'all that is allowed')
  const ask = (type: 'pause' | 'release') => cell.ask<void>((reply) => ({ type, reply }), 5_000)
  await ask('pause')
  const [settled, claimedAgain, ...rest] = claimsOf(delivered)
  const before = { ...claimedAgain!, attempt: claimedAgain!.attempt - 1 }
  cell.tell({ type: 'settled', claims: [settled!, before] })
  await ask('release')
  expect(released).toEqual([claimedAgain, ...rest])
  expect(limits).toEqual([3, 3, 1])
})

const soloOf = (jobs: readonly Job[]): Job[] => jobs.filter(({ solo }) => solo)

test('of the rows in quarantine one is claimed, and the next when that one is settled', async () => {
  const { cell, delivered, limits } = await start({ suspects: 2 })
  await until(() => delivered.length === 7, 'all that is allowed')
  expect(limits).toEqual([3, 3])
  expect(soloOf(delivered)).toHaveLength(1)
  cell.tell({ type: 'settled', claims: claimsOf(soloOf(delivered)) })
  await until(() => soloOf(delivered).length === 2, 'the second')
})

test('pools take turns: while a job in quarantine of one is claimed, none of another is', async () => {
  const soloTurn = new SoloTurn()
  const first = await start({ suspects: 1, soloTurn })
  await until(() => soloOf(first.delivered).length === 1, 'that of the first')
  const second = await start({ suspects: 1, soloTurn })
  await until(() => second.delivered.length === 7, 'the second claims what else is due')
  expect(soloOf(second.delivered)).toEqual([])
  first.cell.tell({ type: 'settled', claims: claimsOf(soloOf(first.delivered)) })
  await until(() => soloOf(second.delivered).length === 1, 'its turn')
})

test('a poller that ends, also when it is killed, gives its turn back', async () => {
  const soloTurn = new SoloTurn()
  const first = await start({ suspects: 1, soloTurn })
  await until(() => soloOf(first.delivered).length === 1, 'that of the first')
  const second = await start({ suspects: 1, soloTurn })
  first.cell.kill()
  await until(() => soloOf(second.delivered).length === 1, 'the turn of the second')
})

test('what a poller had claimed when its pool failed is given back by the next one, before it claims any', async () => {
  const { cell, delivered, released } = await start()
  await until(() => delivered.length === 7, 'all that is allowed')
  cell.tell({ type: 'settled', claims: claimsOf(delivered.slice(0, 2)) })
  await until(() => delivered.length === 9, 'two more')
  cell.kill()
  const lost = claimsOf(delivered.slice(2))
  await cell.start()
  expect(released).toEqual(lost)
  await until(() => delivered.length === 9 + 7, 'as many as ever')
})

test('what a poller claims while it is killed goes back at once: nobody runs it, and its successor knows nothing of it', async () => {
  const claiming = Promise.withResolvers<void>()
  const { cell, delivered, limits, released } = await start({ claiming: claiming.promise })
  await until(() => limits.length === 1, 'it asks')
  cell.kill()
  claiming.resolve()
  await until(() => released.length === 3, 'they go back')
  expect(delivered).toEqual([])
})

test('what the pool does not take is given back, and the turn of what runs alone with it', async () => {
  const soloTurn = new SoloTurn()
  let isFull = true
  const { delivered, released } = await start({ soloTurn, suspects: 2, takes: () => !isFull })
  await until(() => released.length > 0, 'the first goes back')
  const other = {}
  expect(soloTurn.take(other, () => {})).toBe(true)
  soloTurn.give(other)
  isFull = false
  await until(() => delivered.some(({ solo }) => solo), 'one that runs alone')
})

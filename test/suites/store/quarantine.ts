import { describe, expect, test } from 'vitest'
import type { Outcome } from '../../../runtime/job/outcome.ts'
import { fromLog, idsOf, LEASE_MS, NOON_MS, ofRow, type StoreBench } from './fixture.ts'

const GROUP = 'spillway.pool-a'
const KIND = 'test.echo'

export function quarantineTests(bench: () => StoreBench): void {
  const later = NOON_MS + 1_000
  const claimSolo = (nowMs = later) => bench().store.claimSolo('a', nowMs)
  const claimDue = (nowMs = later) => bench().store.claimDue('a', nowMs, 10)
  const find = ({ envelope: { id } }: Outcome) => bench().store.find(id)
  const suspect = (fields: Parameters<typeof fromLog>[0] = {}): Outcome =>
    fromLog({ state: 'parked', solo: true, ...fields })

  describe('a row in quarantine', () => {
    test('is claimed alone, one at a time, higher tiers first, and never with the others', async () => {
      const rows = (['low', 'normal', 'critical'] as const).map((tier) => suspect({ job: { tier } }))
      const other = fromLog({ state: 'retry', dueAtMs: NOON_MS })
      await bench().store.commit([...rows, other, suspect({ pool: 'b' })])
      expect(idsOf(await claimDue())).toEqual([other.envelope.id])
      for (const { envelope } of rows.toReversed())
        expect(await claimSolo()).toMatchObject({ envelope: { id: envelope.id, attempt: 1 } })
      expect(await claimSolo()).toBeUndefined()
      expect(await bench().store.claimSolo('b', later)).toBeDefined()
    })

    test('has spent an attempt when it is claimed, not before', async () => {
      const row = suspect({ error: { code: 'thread-lost', message: 'beside others' } })
      await bench().store.commit([row])
      expect(await find(row)).toMatchObject({ state: 'parked', attempt: 0, error: { code: 'thread-lost' } })
      await claimSolo()
      expect(await find(row)).toMatchObject({ state: 'running', attempt: 1, error: undefined })
    })

    test('stays there through retries and a replay', async () => {
      const { store } = bench()
      const row = suspect()
      await store.commit([row])
      const first = await claimSolo()
      await store.commit([ofRow(first!.envelope, { state: 'retry', dueAtMs: later + 10 })])
      expect(await claimSolo(later + 9)).toBeUndefined()
      const second = await claimSolo(later + 10)
      await store.commit([ofRow(second!.envelope, { state: 'dead' })])
      await store.replay([row.envelope.id], later)
      expect(await claimDue()).toEqual([])
      expect(await claimSolo()).toMatchObject({ envelope: { id: row.envelope.id, attempt: 3 } })
    })

    test('comes there from a run beside others with its attempt not spent', async () => {
      const { store } = bench()
      const row = fromLog({ state: 'retry', dueAtMs: NOON_MS })
      await store.commit([row])
      const [claimed] = await claimDue()
      await store.commit([ofRow(claimed!.envelope, { state: 'parked', solo: true })])
      expect(await find(row)).toMatchObject({ state: 'parked', attempt: 1 })
      expect(await claimDue()).toEqual([])
      expect(await claimSolo()).toMatchObject({ envelope: { attempt: 2 } })
    })

    test('is claimed again when its lease is over, and released like any other', async () => {
      const { store } = bench()
      await store.commit([suspect()])
      await claimSolo()
      expect(await claimSolo(later + LEASE_MS - 1)).toBeUndefined()
      const { envelope } = (await claimSolo(later + LEASE_MS))!
      expect(envelope.attempt).toBe(2)
      await store.release([{ id: envelope.id, attempt: 2 }])
      expect(await claimDue()).toEqual([])
      expect(await claimSolo(later + LEASE_MS)).toMatchObject({ envelope: { attempt: 2 } })
    })

    test('keeps its place in its ordering key: its followers wait, and it for those before it', async () => {
      const { store } = bench()
      const job = { orderingKey: 'k' }
      const [first, second, third] = [fromLog({ state: 'parked', job }), suspect({ job }), suspect({ job })]
      const last = fromLog({ state: 'parked', job })
      await store.commit([first, second, third, last])
      for (const { envelope } of [first, second, third, last]) {
        const isSolo = [second, third].some((row) => row.envelope === envelope)
        const [due, solo] = [await claimDue(), await claimSolo()]
        const claimed = isSolo ? solo : due[0]
        expect([due.length, claimed?.envelope.id]).toEqual([isSolo ? 0 : 1, envelope.id])
        await store.commit([ofRow(claimed!.envelope)])
      }
    })
  })

  describe('of the runs of a process that died', () => {
    const end = (max = 2) => bench().store.endLostRuns(later, new Map([[KIND, max]]))

    test('those beside others go into quarantine, due at once, their attempts not spent', async () => {
      const { store } = bench()
      const rows = [{}, { orderingKey: 'k' }].map((job) => fromLog({ state: 'retry', dueAtMs: NOON_MS, job }))
      await store.commit(rows)
      await claimDue()
      await end()
      for (const row of rows)
        expect(await find(row)).toMatchObject({
          state: 'parked',
          attempt: 1,
          error: { code: 'process-lost', message: expect.stringContaining('beside others') },
          history: [{ state: 'retry' }, { state: 'running', attempt: 2 }],
        })
      expect(await claimDue()).toEqual([])
      const again = [(await claimSolo())!, (await claimSolo())!]
      expect(new Set(idsOf(again))).toEqual(new Set(idsOf(rows)))
      for (const { envelope } of again) expect(envelope.attempt).toBe(2)
    })

    test('the one that was alone is charged, and dead after its last attempt', async () => {
      const { store } = bench()
      const [row, waiting] = [suspect(), suspect({ job: { tier: 'low' } })]
      await store.commit([row, waiting])
      await claimSolo()
      await end()
      expect(await find(row)).toMatchObject({
        state: 'retry',
        attempt: 1,
        dueAtMs: later,
        error: { code: 'process-lost', message: expect.stringContaining('alone') },
      })
      expect(await claimSolo()).toMatchObject({ envelope: { id: row.envelope.id, attempt: 2 } })
      await end()
      expect(await find(row)).toMatchObject({ state: 'dead', attempt: 2, error: { code: 'process-lost' } })
      expect(await find(waiting)).toMatchObject({ state: 'parked', attempt: 0 })
      expect(await claimSolo()).toMatchObject({ envelope: { id: waiting.envelope.id } })
    })

    test('one of a kind that nobody handles any more is tried again: its run says so', async () => {
      const row = suspect({ job: { kind: 'test.gone' } })
      await bench().store.commit([row])
      await claimSolo()
      await end(1)
      expect(await find(row)).toMatchObject({ state: 'retry', attempt: 1 })
    })

    test('nothing is left: no outcome of theirs applies, and rows that did not run stay as they are', async () => {
      const { store } = bench()
      const [ran, waits] = [1, 2].map((n) => fromLog({ state: 'retry', dueAtMs: NOON_MS + n * 1_000 }))
      await store.commit([ran!, waits!, fromLog()])
      const [claimed] = await claimDue()
      await end()
      expect(await store.commit([ofRow(claimed!.envelope)])).toEqual([{ verdict: 'fenced' }])
      expect(await find(waits!)).toMatchObject({ state: 'retry', attempt: 1, history: [] })
    })
  })

  describe('assignments of a partition', () => {
    const assign = (...committed: number[]) =>
      bench().store.noteAssignment(
        GROUP,
        committed.map((offset, partition) => ({ lane: 'pool-a.normal', partition, committed: offset })),
      )

    test('are counted while its committed offset stands, each partition for itself', async () => {
      expect(await assign(5, 7)).toEqual([1, 1])
      expect(await assign(5, 8)).toEqual([2, 1])
      expect(await assign(5, 8)).toEqual([3, 2])
      expect(await assign(6)).toEqual([1])
      expect(await assign()).toEqual([])
    })

    test('are forgotten with an orderly end of their group, and of no other', async () => {
      const { store } = bench()
      const other = { lane: 'pool-b.low', partition: 0, committed: 0 }
      await assign(5)
      await store.noteAssignment('spillway.pool-b', [other])
      await store.forgetAssignments(GROUP)
      expect(await assign(5)).toEqual([1])
      expect(await store.noteAssignment('spillway.pool-b', [other])).toEqual([2])
    })
  })
}

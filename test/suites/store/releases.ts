import { describe, expect, test } from 'vitest'
import { fromLog, idsOf, NOON_MS, ofRow, type StoreBench } from './fixture.ts'

export function releaseTests(bench: () => StoreBench): void {
  const claim = () => bench().store.claimDue('a', NOON_MS + 1_000, 10)
  const claimsOf = (jobs: Awaited<ReturnType<typeof claim>>) =>
    jobs.map(({ envelope: { id, attempt } }) => ({ id, attempt }))

  describe('a claim that is released', () => {
    test.each([
      fromLog({ state: 'retry', dueAtMs: NOON_MS, error: { code: 'x', message: 'told to' } }),
      fromLog({ state: 'parked', job: { orderingKey: 'k' } }),
      fromLog({ state: 'parked' }),
    ])('leaves no trace, and its row is due at once', async (outcome) => {
      const { store } = bench()
      await store.commit([outcome])
      const before = await store.find(outcome.envelope.id)
      const claimed = await claim()
      expect(await store.release(claimsOf(claimed))).toBe(1)
      const { dueAtMs: _, ...after } = (await store.find(outcome.envelope.id))!
      expect(before).toMatchObject(after)
      expect(await claim()).toMatchObject(claimed)
    })

    test('of a thin job leaves it thin, for another backfill', async () => {
      const { store } = bench()
      const { envelope } = fromLog()
      await store.commit([fromLog({ state: 'thin', envelope })])
      const backfill = () => store.claimThin('a', NOON_MS + 1_000, 10)
      await store.release(claimsOf(await backfill()))
      expect(await store.find(envelope.id)).toMatchObject({ state: 'thin', attempt: 1, history: [] })
      expect(idsOf(await backfill())).toEqual([envelope.id])
    })

    test('whose row has gone on since changes nothing', async () => {
      const { store } = bench()
      await store.commit([1, 2].map(() => fromLog({ state: 'retry', dueAtMs: NOON_MS })))
      const claimed = await claim()
      const [settled, again] = claimed
      await store.commit([
        ofRow(settled!.envelope),
        ofRow(again!.envelope, { state: 'retry', dueAtMs: NOON_MS }),
      ])
      const [next] = await claim()
      expect(await store.release(claimsOf(claimed))).toBe(0)
      expect(await store.find(settled!.envelope.id)).toMatchObject({ state: 'done', attempt: 2 })
      expect(await store.find(next!.envelope.id)).toMatchObject({ state: 'running', attempt: 3 })
    })

    test('lets no outcome of its run apply', async () => {
      const { store } = bench()
      await store.commit([fromLog({ state: 'retry', dueAtMs: NOON_MS })])
      const claimed = await claim()
      await store.release(claimsOf(claimed))
      expect(await store.commit([ofRow(claimed[0]!.envelope)])).toEqual([{ verdict: 'fenced' }])
    })
  })
}

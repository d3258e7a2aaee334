import { describe, expect, test } from 'vitest'
import { previousWindowId } from '../../../runtime/job/id.ts'
import { anEnvelope, fromLog, keyedEnvelope, NOON_MS, ofRow, type StoreBench } from './fixture.ts'

const WINDOW_MS = 15 * 60_000
const DAY_MS = 86_400_000
const WINDOWS = [
  { what: 'a key (24 h)', keyed: true, windowMs: DAY_MS },
  { what: 'an unclaimed body (15 min)', keyed: false, windowMs: WINDOW_MS },
]

export function duplicateTests(bench: () => StoreBench): void {
  describe('a copy', () => {
    test('that is delivered again has no effect, and learns the state of the row', async () => {
      const { store } = bench()
      for (const state of ['done', 'thin', 'retry', 'parked', 'dead'] as const) {
        const outcome = fromLog({ state, dueAtMs: NOON_MS })
        await store.commit([outcome])
        const again = { ...outcome, state: 'done' as const, result: '"again"' }
        expect(await store.commit([again])).toEqual([{ verdict: 'duplicate', state }])
        expect(await store.find(outcome.envelope.id)).toMatchObject({ state, result: undefined, history: [] })
      }
    })

    test('of a job that is running now is a duplicate of that run', async () => {
      const { store } = bench()
      const outcome = fromLog({ state: 'retry', dueAtMs: NOON_MS })
      await store.commit([outcome])
      await store.claimDue('a', NOON_MS, 1)
      expect(await store.commit([outcome])).toEqual([{ verdict: 'duplicate', state: 'running' }])
    })

    test('in the same batch loses to the first, which is applied', async () => {
      const { store } = bench()
      const outcome = fromLog({ state: 'dead', error: { code: 'permanent', message: 'no' } })
      const other = fromLog()
      expect(await store.commit([outcome, other, { ...outcome, state: 'done' }])).toEqual([
        { verdict: 'applied' },
        { verdict: 'applied' },
        { verdict: 'duplicate', state: 'dead' },
      ])
      expect((await store.find(outcome.envelope.id))?.state).toBe('dead')
    })

    test('does not hold up its neighbours, and verdicts keep the order of the batch', async () => {
      const { store } = bench()
      const outcomes = Array.from({ length: 20 }, () => fromLog())
      await store.commit(outcomes.filter((_, i) => i % 3 === 0))
      const verdicts = await store.commit(outcomes)
      expect(verdicts.map(({ verdict }) => verdict)).toEqual(
        outcomes.map((_, i) => (i % 3 === 0 ? 'duplicate' : 'applied')),
      )
    })

    test('made by committing a batch once more changes nothing', async () => {
      const { store } = bench()
      await store.commit([fromLog({ state: 'retry', dueAtMs: NOON_MS })])
      const [claimed] = await store.claimDue('a', NOON_MS, 1)
      const batch = [fromLog(), ofRow(claimed!.envelope)]
      await store.commit(batch)
      const before = await bench().rows('select * from spillway.jobs order by id')
      expect(await store.commit(batch)).toEqual([
        { verdict: 'duplicate', state: 'done' },
        { verdict: 'duplicate', state: 'done' },
      ])
      expect(await bench().rows('select * from spillway.jobs order by id')).toEqual(before)
    })
  })

  describe("across a window's edge", () => {
    for (const { what, keyed, windowMs } of WINDOWS) {
      const inWindow = (nowMs: number) =>
        keyed
          ? keyedEnvelope('k', 'body', nowMs)
          : anEnvelope({ body: Buffer.from('body'), acceptedAtMs: nowMs, unclaimed: true })

      test(`${what}: a copy in the next window is absorbed, whether in one batch or in two`, async () => {
        const { store } = bench()
        const [earlier, later] = [inWindow(NOON_MS), inWindow(NOON_MS + windowMs)]
        expect(previousWindowId(later.id, keyed)).toBe(earlier.id)
        await store.commit([fromLog({ envelope: earlier, state: 'thin' })])
        expect(await store.commit([fromLog({ envelope: later })])).toEqual([
          { verdict: 'duplicate', state: 'thin' },
        ])
        expect(await store.find(later.id)).toBeUndefined()
      })

      test(`${what}: both copies in one batch, in either order, are one job`, async () => {
        const { store } = bench()
        for (const dayLater of [0, 10]) {
          const copies = [NOON_MS, NOON_MS + windowMs].map((at) =>
            fromLog({ envelope: inWindow(at + dayLater * DAY_MS) }),
          )
          const batch = dayLater > 0 ? copies.reverse() : copies
          expect(await store.commit(batch)).toEqual([
            { verdict: 'applied' },
            { verdict: 'duplicate', state: 'done' },
          ])
        }
        expect(await bench().rows('select count(*)::integer as n from spillway.jobs')).toEqual([{ n: 2 }])
      })

      test(`${what}: two windows later it is a new job`, async () => {
        const { store } = bench()
        await store.commit([fromLog({ envelope: inWindow(NOON_MS) })])
        expect(await store.commit([fromLog({ envelope: inWindow(NOON_MS + 2 * windowMs) })])).toEqual([
          { verdict: 'applied' },
        ])
      })
    }

    test('a claimed body is not probed: its claim held the id, so the same body later is a new job', async () => {
      const { store } = bench()
      const body = Buffer.from('body')
      await store.commit([fromLog({ job: { body } })])
      const later = fromLog({ job: { body, acceptedAtMs: NOON_MS + WINDOW_MS } })
      expect(await store.commit([later])).toEqual([{ verdict: 'applied' }])
    })
  })

  describe('the same Idempotency-Key with another body', () => {
    test('is a conflict, and is kept once, with its envelope', async () => {
      const { store } = bench()
      const other = fromLog({ envelope: keyedEnvelope('k', 'second') })
      await store.commit([fromLog({ envelope: keyedEnvelope('k', 'first') })])
      for (const _ of ['delivered', 'delivered again'])
        expect(await store.commit([other, fromLog()])).toEqual([
          { verdict: 'conflict', state: 'done' },
          { verdict: 'applied' },
        ])
      expect(
        await bench().rows(
          'select id, tenant, body_hash, length(envelope) > 0 as kept from spillway.job_conflicts',
        ),
      ).toEqual([{ id: other.envelope.id, tenant: 'acme', body_hash: other.envelope.bodyHash, kept: true }])
    })

    test('is a conflict in one batch and across the edge as well', async () => {
      const { store } = bench()
      const batch = [
        keyedEnvelope('k', 'first'),
        keyedEnvelope('k', 'second'),
        keyedEnvelope('k', 'third', NOON_MS + DAY_MS),
      ].map((envelope) => fromLog({ envelope }))
      expect(await store.commit(batch)).toEqual([
        { verdict: 'applied' },
        { verdict: 'conflict', state: 'done' },
        { verdict: 'conflict', state: 'done' },
      ])
      expect(await bench().rows('select count(*)::integer as n from spillway.job_conflicts')).toEqual([
        { n: 2 },
      ])
    })

    test('and the same body is a duplicate', async () => {
      const { store } = bench()
      const envelope = keyedEnvelope('k', 'first')
      await store.commit([fromLog({ envelope })])
      expect(await store.commit([fromLog({ envelope })])).toEqual([{ verdict: 'duplicate', state: 'done' }])
      expect(await bench().rows('select * from spillway.job_conflicts')).toEqual([])
    })
  })
}

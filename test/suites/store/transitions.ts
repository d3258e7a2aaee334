import { describe, expect, test } from 'vitest'
import type { Envelope } from '../../../runtime/job/envelope.ts'
import type { JobState } from '../../../runtime/job/state.ts'
import { fromLog, LEASE_MS, lead, NOON_MS, ofRow, type StoreBench } from './fixture.ts'

/** Every transition of `runtime/job/state.ts`. */
export function transitionTests(bench: () => StoreBench): void {
  /** A job that has been run once, and its second run. */
  async function running(): Promise<Envelope> {
    const { store } = bench()
    await store.commit([
      fromLog({ state: 'retry', dueAtMs: NOON_MS + 50, error: { code: 'timeout', message: 'slow' } }),
    ])
    const [claimed] = await store.claimDue('a', NOON_MS + 60, 1)
    return claimed!.envelope
  }

  describe('(none) → first outcome', () => {
    for (const state of ['done', 'thin', 'retry', 'dead'] as const)
      test(`${state}: one run was started`, async () => {
        const outcome = fromLog({ state, dueAtMs: NOON_MS })
        await bench().store.commit([outcome])
        expect(await bench().store.find(outcome.envelope.id)).toMatchObject({
          state,
          attempt: 1,
          history: [],
        })
      })

    test('parked: no run was started yet; its first is attempt 1', async () => {
      const { store } = bench()
      const outcome = fromLog({ state: 'parked', job: { orderingKey: 'k' } })
      await store.commit([outcome])
      expect(await store.find(outcome.envelope.id)).toMatchObject({ state: 'parked', attempt: 0 })
      const [claimed] = await store.claimDue('a', NOON_MS, 1)
      expect(claimed?.envelope).toEqual({ ...outcome.envelope, body: expect.anything(), attempt: 1 })
      expect(Buffer.from(claimed!.envelope.body)).toEqual(Buffer.from(outcome.envelope.body))
    })
  })

  describe('retry → running', () => {
    test('when it is due, its attempt counted, under a lease', async () => {
      const { store } = bench()
      const outcome = fromLog({
        state: 'retry',
        dueAtMs: NOON_MS + 50,
        error: { code: 'timeout', message: 'slow' },
      })
      await store.commit([outcome])
      expect(await store.find(outcome.envelope.id)).toMatchObject({ dueAtMs: NOON_MS + 50 })
      expect(await store.claimDue('a', NOON_MS + 49, 10)).toEqual([])
      const [claimed] = await store.claimDue('a', NOON_MS + 50, 10)
      expect(claimed).toMatchObject({ envelope: { attempt: 2 }, leaseUntilMs: NOON_MS + 50 + LEASE_MS })
      expect(await store.find(outcome.envelope.id)).toMatchObject({
        state: 'running',
        attempt: 2,
        dueAtMs: undefined,
        error: undefined,
        history: [
          { state: 'retry', attempt: 1, atMs: NOON_MS + 5, error: { code: 'timeout', message: 'slow' } },
        ],
      })
    })
  })

  describe('running → outcome', () => {
    for (const state of ['done', 'thin', 'dead'] as const)
      test(`${state}, with its writes`, async () => {
        const { store } = bench()
        const envelope = await running()
        const outcome = ofRow(envelope, { state, result: '{"n":1}', skipped: ['x'], writes: [lead('a', 1)] })
        expect(await store.commit([outcome])).toEqual([{ verdict: 'applied' }])
        expect(await store.find(envelope.id)).toMatchObject({
          state,
          attempt: 2,
          result: { n: 1 },
          skipped: ['x'],
        })
        expect(await bench().rows('select job_id from leads')).toEqual([{ job_id: envelope.id }])
        const [row] = await bench().rows('select envelope is null as gone, lease_until_ms from spillway.jobs')
        expect(row).toEqual({ gone: state === 'done', lease_until_ms: null })
      })

    test('retry keeps its attempt, and the next claim counts one more', async () => {
      const { store } = bench()
      const envelope = await running()
      await store.commit([ofRow(envelope, { state: 'retry', dueAtMs: NOON_MS + 500 })])
      expect(await store.find(envelope.id)).toMatchObject({
        state: 'retry',
        attempt: 2,
        dueAtMs: NOON_MS + 500,
      })
      expect(await store.claimDue('a', NOON_MS + 499, 1)).toEqual([])
      expect(await store.claimDue('a', NOON_MS + 500, 1)).toMatchObject([{ envelope: { attempt: 3 } }])
    })

    test('parked gives the attempt back', async () => {
      const { store } = bench()
      const envelope = await running()
      await store.commit([ofRow(envelope, { state: 'parked', dueAtMs: NOON_MS + 500 })])
      expect(await store.find(envelope.id)).toMatchObject({ state: 'parked', attempt: 1 })
      expect(await store.claimDue('a', NOON_MS + 499, 1)).toEqual([])
      expect(await store.claimDue('a', NOON_MS + 500, 1)).toMatchObject([{ envelope: { attempt: 2 } }])
    })

    test('of another attempt, or of a row that is not there, is fenced; a second one of this attempt is a duplicate', async () => {
      const { store } = bench()
      const envelope = await running()
      const stale = ofRow({ ...envelope, attempt: 1 }, { writes: [lead('stale', 1)] })
      expect(await store.commit([stale])).toEqual([{ verdict: 'fenced' }])
      expect(await store.commit([ofRow(envelope)])).toEqual([{ verdict: 'applied' }])
      expect(await store.commit([ofRow(envelope, { state: 'dead' })])).toEqual([
        { verdict: 'duplicate', state: 'done' },
      ])
      expect(await store.commit([ofRow({ ...envelope, id: fromLog().envelope.id })])).toEqual([
        { verdict: 'fenced' },
      ])
      expect(await store.find(envelope.id)).toMatchObject({ state: 'done' })
      expect(await bench().rows('select * from leads')).toEqual([])
    })

    test('twice in one batch: the first is applied', async () => {
      const { store } = bench()
      const envelope = await running()
      expect(
        await store.commit([ofRow(envelope, { result: '1' }), ofRow(envelope, { result: '2' })]),
      ).toEqual([{ verdict: 'applied' }, { verdict: 'duplicate', state: 'done' }])
      expect((await store.find(envelope.id))?.result).toBe(1)
    })
  })

  describe('running → retry → running', () => {
    test('when the lease is over: the next claim counts it, and the first run is fenced', async () => {
      const { store } = bench()
      const envelope = await running()
      const overAtMs = NOON_MS + 60 + LEASE_MS
      expect(await store.claimDue('a', overAtMs - 1, 1)).toEqual([])
      const [claimed] = await bench().anotherNode().claimDue('a', overAtMs, 1)
      expect(claimed).toMatchObject({ envelope: { id: envelope.id, attempt: 3 } })
      expect(await store.commit([ofRow(envelope)])).toEqual([{ verdict: 'fenced' }])
      expect((await store.find(envelope.id))?.history.slice(1)).toEqual([
        { state: 'running', attempt: 2, atMs: NOON_MS + 60 },
        {
          state: 'retry',
          attempt: 2,
          atMs: overAtMs,
          error: expect.objectContaining({ code: 'lease-over' }),
        },
      ])
      expect(await store.commit([ofRow(claimed!.envelope)])).toEqual([{ verdict: 'applied' }])
    })
  })

  describe('thin → running', () => {
    test('by its backfill, oldest first; its result stays until there is a new one', async () => {
      const { store } = bench()
      const thin = [30, 10, 20].map((ago) =>
        fromLog({ state: 'thin', job: { acceptedAtMs: NOON_MS - ago }, result: '"thin"', skipped: ['x'] }),
      )
      await store.commit([...thin, fromLog(), fromLog({ state: 'thin', pool: 'b' })])
      const claimed = await store.claimThin('a', NOON_MS, 2)
      expect(new Set(claimed.map(({ envelope }) => envelope.acceptedAtMs))).toEqual(
        new Set([NOON_MS - 30, NOON_MS - 20]),
      )
      const { envelope } = claimed[0]!
      expect(envelope.attempt).toBe(2)
      expect(await store.find(envelope.id)).toMatchObject({ state: 'running', result: 'thin' })
      await store.commit([ofRow(envelope, { state: 'retry', dueAtMs: NOON_MS })])
      expect(await store.find(envelope.id)).toMatchObject({ state: 'retry', result: 'thin' })
      const [again] = await store.claimDue('a', NOON_MS, 1)
      await store.commit([ofRow(again!.envelope, { result: '"full"' })])
      expect(await store.find(envelope.id)).toMatchObject({ state: 'done', result: 'full', skipped: [] })
    })

    test('never with an ordering key: it would overtake its successors', async () => {
      const { store } = bench()
      await store.commit([fromLog({ state: 'thin', job: { orderingKey: 'k' } })])
      expect(await store.claimThin('a', NOON_MS, 10)).toEqual([])
    })
  })

  describe('dead → retry → running', () => {
    test('by a replay; replaying twice, or what is not dead, changes nothing', async () => {
      const { store } = bench()
      const [dead, done] = [
        fromLog({ state: 'dead', error: { code: 'permanent', message: 'no' } }),
        fromLog(),
      ]
      await store.commit([dead, done])
      const ids = [dead, done, fromLog()].map(({ envelope }) => envelope.id)
      expect(await store.replay(ids, NOON_MS + 50)).toEqual([dead.envelope.id])
      expect(await store.replay(ids, NOON_MS + 51)).toEqual([])
      expect(await store.claimDue('a', NOON_MS + 50, 10)).toMatchObject([
        { envelope: { id: dead.envelope.id, attempt: 2 } },
      ])
      expect(await store.replay(ids, NOON_MS + 52)).toEqual([])
      expect((await store.find(dead.envelope.id))?.history).toEqual([
        { state: 'dead', attempt: 1, atMs: NOON_MS + 5, error: { code: 'permanent', message: 'no' } },
        { state: 'retry', attempt: 1, atMs: NOON_MS + 50 },
      ])
    })
  })

  describe('history', () => {
    test('tells every state in order, each with its own attempt, time and error', async () => {
      const { store } = bench()
      const envelope = await running()
      const error = { code: 'handler-error', message: 'again', stack: 'at x' }
      await store.commit([ofRow(envelope, { state: 'retry', dueAtMs: NOON_MS + 200, error })])
      const [claimed] = await store.claimDue('a', NOON_MS + 200, 1)
      await store.commit([ofRow(claimed!.envelope, { finishedAtMs: NOON_MS + 205 })])
      const row = await store.find(envelope.id)
      const steps = row?.history.map(({ state, attempt, atMs }) => [
        state as JobState,
        attempt,
        atMs - NOON_MS,
      ])
      expect(steps).toEqual([
        ['retry', 1, 5],
        ['running', 2, 60],
        ['retry', 2, 105],
        ['running', 3, 200],
      ])
      expect(row?.history[2]?.error).toEqual(error)
      expect(row).toMatchObject({ state: 'done', attempt: 3, error: undefined })
    })

    test('is bounded: the latest 64 states are kept', async () => {
      const { store } = bench()
      let envelope = await running()
      for (let run = 0; run < 40; run++) {
        await store.commit([
          ofRow(envelope, { state: 'retry', dueAtMs: NOON_MS, finishedAtMs: NOON_MS + run }),
        ])
        envelope = (await store.claimDue('a', NOON_MS + 100, 1))[0]!.envelope
      }
      const history = (await store.find(envelope.id))!.history
      expect(history).toHaveLength(64)
      expect(history.at(-1)).toEqual({ state: 'retry', attempt: 41, atMs: NOON_MS + 39 })
    })
  })
}

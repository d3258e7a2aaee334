import { describe, expect, test } from 'vitest'
import type { Outcome } from '../../../runtime/job/outcome.ts'
import { fromLog, idsOf, LEASE_MS, NOON_MS, ofRow, type StoreBench } from './fixture.ts'

const keyed = (key: string, fields: Parameters<typeof fromLog>[0] = {}): Outcome =>
  fromLog({ state: 'parked', ...fields, job: { orderingKey: key, ...fields.job } })

export function claimTests(bench: () => StoreBench): void {
  const claim = async (nowMs = NOON_MS + 1_000, limit = 10) => bench().store.claimDue('a', nowMs, limit)

  describe('a claim', () => {
    test('takes rows of its own pool only', async () => {
      const { store } = bench()
      await store.commit([fromLog({ state: 'retry', dueAtMs: NOON_MS, pool: 'b' })])
      expect(await claim()).toEqual([])
      expect(await store.claimDue('b', NOON_MS, 10)).toHaveLength(1)
    })

    test('takes a row once, however many ask', async () => {
      const { store } = bench()
      await store.commit(Array.from({ length: 30 }, () => fromLog({ state: 'retry', dueAtMs: NOON_MS })))
      const nodes = [store, bench().anotherNode(), bench().anotherNode()]
      const claims = await Promise.all(nodes.map((node) => node.claimDue('a', NOON_MS, 20)))
      const ids = claims.flatMap(idsOf)
      expect(ids).toHaveLength(30)
      expect(new Set(ids).size).toBe(30)
    })

    test('of a row whose envelope cannot be read sends that one to dead, and the others are claimed', async () => {
      const { store } = bench()
      const [broken, gone, sound] = [1, 2, 3].map(() => fromLog({ state: 'retry', dueAtMs: NOON_MS }))
      await store.commit([broken!, gone!, sound!])
      const { sql } = bench()
      await sql.query(`update spillway.jobs set envelope = '\\xff' where id = $1`, [broken!.envelope.id])
      await sql.query('update spillway.jobs set envelope = null where id = $1', [gone!.envelope.id])
      expect(idsOf(await claim(NOON_MS))).toEqual([sound?.envelope.id])
      for (const { envelope } of [broken!, gone!])
        expect(await store.find(envelope.id)).toMatchObject({
          state: 'dead',
          attempt: 2,
          error: { code: 'bad-envelope' },
          history: [{ state: 'retry' }, { state: 'running', atMs: NOON_MS }],
        })
    })

    test('takes higher tiers first, in each what has waited longest, and no more than asked for', async () => {
      const { store } = bench()
      const rows = (['low', 'normal', 'critical'] as const).flatMap((tier, i) =>
        [40, 30, 20].map((ms) => fromLog({ state: 'retry', dueAtMs: NOON_MS + ms - 10 * i, job: { tier } })),
      )
      await store.commit(rows)
      const [low, normal, critical] = [rows.slice(0, 3), rows.slice(3, 6), rows.slice(6)]
      const order = [...critical.reverse(), ...normal.reverse(), ...low.reverse()]
      for (let i = 0; i < 9; i += 2)
        expect(new Set(idsOf(await claim(undefined, 2)))).toEqual(new Set(idsOf(order.slice(i, i + 2))))
    })
  })

  describe('of one ordering key', () => {
    test('only the earliest unfinished row is claimed, in the order of the log', async () => {
      const { store } = bench()
      const head = keyed('k', { state: 'retry', dueAtMs: NOON_MS + 500, at: { offset: 9 } })
      const followers = [11, 10, 12].map((offset) => keyed('k', { at: { offset } }))
      await store.commit([head, ...followers])
      expect(await claim(NOON_MS + 499)).toEqual([])

      const [, tenth, twelfth] = followers
      for (const expected of [head, tenth, followers[0], twelfth]) {
        const claimed = await claim(NOON_MS + 500)
        expect(idsOf(claimed)).toEqual([expected?.envelope.id])
        expect(await claim(NOON_MS + 501)).toEqual([])
        await store.commit([ofRow(claimed[0]!.envelope, { state: expected === tenth ? 'dead' : 'done' })])
      }
      expect(await claim()).toEqual([])
    })

    test('rows of another tenant, tier or pool are in nobody else’s way', async () => {
      const { store } = bench()
      await store.commit([
        keyed('k', { state: 'retry', dueAtMs: NOON_MS + 5_000 }),
        keyed('k', { pool: 'b' }),
        keyed('k', { job: { tenant: 'globex' } }),
        keyed('k', { job: { tier: 'low' } }),
        keyed('other'),
      ])
      expect(await claim()).toHaveLength(3)
      expect(await store.claimDue('b', NOON_MS, 10)).toHaveLength(1)
    })

    test('a retry holds its followers until it is settled, a lease over counts as due', async () => {
      const { store } = bench()
      await store.commit([keyed('k', { state: 'retry', dueAtMs: NOON_MS }), keyed('k')])
      const [first] = await claim(NOON_MS)
      await store.commit([ofRow(first!.envelope, { state: 'retry', dueAtMs: NOON_MS + 100 })])
      expect(await claim(NOON_MS + 99)).toEqual([])
      expect(await claim(NOON_MS + 100)).toMatchObject([{ envelope: { id: first?.envelope.id, attempt: 3 } }])
      expect(await claim(NOON_MS + 100 + LEASE_MS)).toMatchObject([
        { envelope: { id: first?.envelope.id, attempt: 4 } },
      ])
    })

    test('a replayed job does not start while a later one of its key is running', async () => {
      const { store } = bench()
      const [dead, later] = [keyed('k', { state: 'dead' }), keyed('k')]
      await store.commit([dead, later])
      const [running] = await claim()
      expect(running?.envelope.id).toBe(later.envelope.id)
      await store.replay([dead.envelope.id], NOON_MS)
      expect(await claim()).toEqual([])
      await store.commit([ofRow(running!.envelope)])
      expect(idsOf(await claim())).toEqual([dead.envelope.id])
    })

    test('held keys are those with unfinished rows, each with their number', async () => {
      const { store } = bench()
      await store.commit([
        keyed('k', { state: 'retry', dueAtMs: NOON_MS }),
        keyed('k'),
        keyed('done', { state: 'done' }),
        keyed('dead', { state: 'dead' }),
        keyed('thin', { state: 'thin' }),
        keyed('b', { pool: 'b' }),
        fromLog({ state: 'retry', dueAtMs: NOON_MS }),
      ])
      expect(await store.heldKeys('a')).toEqual([
        { tenant: 'acme', tier: 'normal', orderingKey: 'k', rows: 2 },
      ])
      for (const rows of [1, 0]) {
        const claimed = (await claim()).find(({ envelope }) => envelope.orderingKey === 'k')
        expect(await store.heldKeys('a')).toMatchObject([{ rows: rows + 1 }])
        await store.commit([ofRow(claimed!.envelope)])
      }
      expect(await store.heldKeys('a')).toEqual([])
    })
  })
}

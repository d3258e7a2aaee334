import { hash } from 'node:crypto'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { ClaimRequest, Claims, ClaimVerdict, Settlement } from '../../runtime/claims/claims.ts'
import { claimKeyOf, idIn } from '../../runtime/job/id.ts'

/** An empty claim store for the running test, and the lifetime of its claims. */
export interface ClaimsFixture {
  claims: Claims
  lifetimeMs: number
}

/** What every adapter of the claim port guarantees. Time is what the tests pass in. */
export function claimsSuite(name: string, open: () => Promise<ClaimsFixture>): void {
  describe(name, () => {
    test('the first request gets the claim, a second one has to wait for it', async () => {
      const store = await opened(open)
      expect(await store.claim({ token: 't1' })).toEqual({ verdict: 'mine', id: ID_1 })
      expect(await store.claim({ token: 't2' })).toEqual({ verdict: 'pending' })
      expect(await store.lookup()).toEqual({
        state: 'pending',
        tenant: 'acme',
        id: ID_1,
        traceId: TRACE_1,
      })
    })

    test('of a hundred equal requests in one batch exactly one gets the claim', async () => {
      const { claims } = await opened(open)
      const verdicts = await claims.claim(
        Array.from({ length: 100 }, (_, i) => request({ token: `t${i}`, id: idIn(i, KEY) })),
        NOW,
      )
      expect(verdicts.filter(({ verdict }) => verdict === 'mine')).toHaveLength(1)
      expect(verdicts.filter(({ verdict }) => verdict === 'pending')).toHaveLength(99)
    })

    test('verdicts come in the order of the requests', async () => {
      const { claims } = await opened(open)
      const keys = Array.from({ length: 50 }, (_, i) => requestFor(`key-${i}`, { token: `t${i}` }))
      const verdicts = await claims.claim(
        [...keys, ...keys.map((r) => ({ ...r, token: `again-${r.token}` }))],
        NOW,
      )
      expect(verdicts).toEqual([
        ...keys.map(({ id }) => ({ verdict: 'mine', id })),
        ...keys.map(() => ({ verdict: 'pending' })),
      ])
    })

    test('a resent request recognises its own claim by its token', async () => {
      const store = await opened(open)
      await store.claim({ token: 't1' })
      expect(await store.claim({ token: 't1' })).toEqual({ verdict: 'mine', id: ID_1 })
      await store.settle('t1', 'accepted')
      expect((await store.lookup())?.state).toBe('accepted')
    })

    test('once accepted, every copy is answered with the original id and trace id', async () => {
      const store = await opened(open)
      await store.claim({ token: 't1' })
      await store.settle('t1', 'accepted')
      const copy = { token: 't2', id: ID_2, traceId: TRACE_2 }
      const replay = { verdict: 'replay', id: ID_1, traceId: TRACE_1 }
      expect(await store.claim(copy)).toEqual(replay)
      expect(await store.claim({ ...copy, token: 't1' })).toEqual(replay)
      expect(await store.lookup()).toEqual({
        state: 'accepted',
        tenant: 'acme',
        id: ID_1,
        traceId: TRACE_1,
      })
    })

    test('a released claim is gone, and the next request gets it under its own id', async () => {
      const store = await opened(open)
      await store.claim({ token: 't1' })
      await store.settle('t1', 'released')
      expect(await store.lookup()).toBeUndefined()
      expect(await store.claim({ token: 't2', id: ID_2 })).toEqual({ verdict: 'mine', id: ID_2 })
    })

    test('an unknown claim is taken over at once by the same body, under the same id', async () => {
      const store = await opened(open)
      await store.claim({ token: 't1' })
      await store.settle('t1', 'unknown')
      expect(await store.lookup()).toMatchObject({ state: 'unknown', id: ID_1 })
      const taker = { token: 't2', id: ID_2, traceId: TRACE_2 }
      expect(await store.claim(taker)).toEqual({ verdict: 'mine', id: ID_1 })
      expect(await store.claim({ token: 't3' })).toEqual({ verdict: 'pending' })
      await store.settle('t2', 'accepted')
      expect(await store.claim({ token: 't3' })).toEqual({
        verdict: 'replay',
        id: ID_1,
        traceId: TRACE_2,
      })
    })

    test('the owner that lost its claim by `unknown` can no longer move it', async () => {
      const store = await opened(open)
      await store.claim({ token: 't1' })
      await store.settle('t1', 'unknown')
      await store.settle('t1', 'accepted')
      await store.settle('t1', 'released')
      expect((await store.lookup())?.state).toBe('unknown')
      await store.claim({ token: 't2' })
      await store.settle('t1', 'released')
      expect((await store.lookup())?.state).toBe('pending')
    })

    test.each(['pending', 'accepted', 'unknown'] as const)(
      'another body under a claim that is %s is a reused key',
      async (state) => {
        const store = await opened(open)
        await store.claim({ token: 't1' })
        if (state !== 'pending') await store.settle('t1', state)
        expect(await store.claim({ token: 't2', bodyHash: BODY_2 })).toEqual({ verdict: 'reused' })
        expect(await store.lookup()).toMatchObject({ state })
      },
    )

    test.each(['accepted', 'released', 'unknown'] as const)(
      'a foreign token can not settle a claim as %s',
      async (to) => {
        const store = await opened(open)
        await store.claim({ token: 't1' })
        await store.settle('t2', to)
        expect((await store.lookup())?.state).toBe('pending')
      },
    )

    test.each(['released', 'unknown'] as const)(
      'an accepted claim is not %s any more, not even by its owner',
      async (to) => {
        const store = await opened(open)
        await store.claim({ token: 't1' })
        await store.settle('t1', 'accepted')
        await store.settle('t1', to)
        expect((await store.lookup())?.state).toBe('accepted')
      },
    )

    test('settling what nobody claimed changes nothing', async () => {
      const store = await opened(open)
      for (const to of ['accepted', 'released', 'unknown'] as const) await store.settle('t1', to)
      expect(await store.lookup()).toBeUndefined()
    })

    test('many claims are settled in one batch, each its own way', async () => {
      const { claims } = await opened(open)
      const fates = ['accepted', 'released', 'unknown'] as const
      const requests = Array.from({ length: 90 }, (_, i) => requestFor(`key-${i}`, { token: `t${i}` }))
      await claims.claim(requests, NOW)
      await claims.settle(
        requests.map(({ claimKey, token }, i): Settlement => ({ claimKey, token, to: fates[i % 3]! })),
        NOW,
      )
      const again = await claims.claim(
        requests.map((r) => ({ ...r, token: `again-${r.token}`, id: idIn(9, r.claimKey) })),
        NOW,
      )
      const expected = (id: string): ClaimVerdict[] => [
        { verdict: 'replay', id, traceId: TRACE_1 },
        { verdict: 'mine', id: idIn(9, claimKeyOf(id)) },
        { verdict: 'mine', id },
      ]
      expect(again).toEqual(requests.map(({ id }, i) => expected(id)[i % 3]))
    })

    test.each(['pending', 'accepted', 'unknown'] as const)(
      'a claim that is %s lasts for its lifetime and no longer',
      async (state) => {
        const store = await opened(open)
        await store.claim({ token: 't1' })
        if (state !== 'pending') await store.settle('t1', state)
        const last = NOW + store.lifetimeMs - 1
        expect((await store.claims.lookup(KEY, last))?.state).toBe(state)
        expect(await store.claims.lookup(KEY, last + 1)).toBeUndefined()
        const next = request({ token: 't2', id: ID_2, bodyHash: BODY_2 })
        expect(await store.claims.claim([next], last + 1)).toEqual([{ verdict: 'mine', id: ID_2 }])
      },
    )

    test('an accepted claim lives from its acceptance on', async () => {
      const store = await opened(open)
      await store.claim({ token: 't1' })
      const acceptedAt = NOW + store.lifetimeMs - 1
      await store.claims.settle([{ claimKey: KEY, token: 't1', to: 'accepted' }], acceptedAt)
      expect((await store.claims.lookup(KEY, acceptedAt + store.lifetimeMs - 1))?.state).toBe('accepted')
    })

    test('an owner that comes after the lifetime has lost its claim', async () => {
      const store = await opened(open)
      await store.claim({ token: 't1' })
      await store.claims.settle([{ claimKey: KEY, token: 't1', to: 'accepted' }], NOW + store.lifetimeMs)
      expect(await store.claims.lookup(KEY, NOW + store.lifetimeMs)).toBeUndefined()
    })

    test('empty batches are fine', async () => {
      const { claims } = await opened(open)
      expect(await claims.claim([], NOW)).toEqual([])
      await claims.settle([], NOW)
    })

    test('a closed store claims nothing and rejects nothing', async () => {
      const store = await opened(open)
      await store.claim({ token: 't1' })
      await store.claims.close()
      await store.settle('t1', 'accepted')
      expect(await store.claim(requestFor('other'))).toEqual({ verdict: 'unclaimed' })
      expect(await store.claims.lookup(requestFor('other').claimKey, NOW)).toBeUndefined()
    })
  })
}

export const NOW = 1_700_000_000_000

/** As the ones of real requests look: SHA-256 in base64url. */
const digest = (text: string): string => hash('sha256', text, 'base64url')
const KEY = digest('key')
const ID_1 = idIn(1, KEY)
const ID_2 = idIn(2, KEY)
const TRACE_1 = '0af7651916cd43dd8448eb211c80319c'
const TRACE_2 = '0000000000000000ffffffffffffffff'
const BODY_1 = digest('body-1')
const BODY_2 = digest('body-2')

const request = (fields: Partial<ClaimRequest>): ClaimRequest => ({
  claimKey: KEY,
  token: 'token',
  tenant: 'acme',
  id: ID_1,
  traceId: TRACE_1,
  bodyHash: BODY_1,
  ...fields,
})

/** For what is known by this name, in window 1. */
export function requestFor(name: string, fields: Partial<ClaimRequest> = {}): ClaimRequest {
  const claimKey = digest(name)
  return request({ claimKey, id: idIn(1, claimKey), ...fields })
}

async function opened(open: () => Promise<ClaimsFixture>) {
  const { claims, lifetimeMs } = await open()
  onTestFinished(() => claims.close())
  return {
    claims,
    lifetimeMs,
    claim: async (fields: Partial<ClaimRequest>) => (await claims.claim([request(fields)], NOW))[0]!,
    settle: (token: string, to: Settlement['to']) => claims.settle([{ claimKey: KEY, token, to }], NOW),
    lookup: () => claims.lookup(KEY, NOW),
  }
}

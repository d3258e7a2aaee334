import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MemoryClaims } from '../../../runtime/claims/memory-claims.ts'
import { claimsSuite, NOW, requestFor } from '../../suites/claims-suite.ts'

const LIFETIME_MS = 900_000

const open = (options: Partial<ConstructorParameters<typeof MemoryClaims>[0]> = {}) =>
  new MemoryClaims({ lifetimeMs: LIFETIME_MS, ...options })

claimsSuite('claims in memory', async () => ({ claims: open(), lifetimeMs: LIFETIME_MS }))

async function accept(claims: MemoryClaims, names: readonly string[], nowMs = NOW): Promise<void> {
  const requests = names.map((name) => requestFor(name))
  await claims.claim(requests, nowMs)
  await claims.settle(
    requests.map(({ claimKey, token }) => ({ claimKey, token, to: 'accepted' })),
    nowMs,
  )
}

const isKnown = async (claims: MemoryClaims, name: string, nowMs = NOW): Promise<boolean> =>
  (await claims.lookup(requestFor(name).claimKey, nowMs)) !== undefined

const names = (count: number, prefix: string): string[] =>
  Array.from({ length: count }, (_, i) => `${prefix}-${i}`)

test('with too many pending claims further ones are unclaimed, until some are settled or expire', async () => {
  const claims = open({ pendingMax: 2 })
  const next = async (name: string, nowMs = NOW) =>
    (await claims.claim([requestFor(name, { token: name })], nowMs))[0]!.verdict
  expect([await next('a'), await next('b'), await next('c')]).toEqual(['mine', 'mine', 'unclaimed'])
  expect(await next('a')).toBe('mine')
  await claims.settle([{ claimKey: requestFor('a').claimKey, token: 'a', to: 'accepted' }], NOW)
  expect([await next('c'), await next('d')]).toEqual(['mine', 'unclaimed'])
  expect(await next('d', NOW + LIFETIME_MS)).toBe('mine')
})

test('many claims are each found as they were accepted, and no other', async () => {
  const claims = open()
  const known = names(20_000, 'known')
  await accept(claims, known)
  for (const name of known) {
    const { claimKey, id, traceId, tenant } = requestFor(name)
    expect(await claims.lookup(claimKey, NOW)).toEqual({ state: 'accepted', id, traceId, tenant })
  }
  for (const name of names(20_000, 'unknown')) expect(await isKnown(claims, name)).toBe(false)
})

test('ids, trace ids and tenants of every form come back as they were', async () => {
  const hex = fc.stringMatching(/^[0-9a-f]{32}$/)
  const claims = open()
  let n = 0
  await fc.assert(
    fc.asyncProperty(hex, fc.string(), async (traceId, tenant) => {
      const { claimKey, token, id, bodyHash } = requestFor(`claim-${n++}`)
      await claims.claim([{ claimKey, token, id, bodyHash, traceId, tenant }], NOW)
      await claims.settle([{ claimKey, token, to: 'accepted' }], NOW)
      expect(await claims.lookup(claimKey, NOW)).toEqual({ state: 'accepted', id, traceId, tenant })
    }),
  )
})

test('beyond the bound the oldest half is forgotten, the newest never', async () => {
  const claims = open({ acceptedMax: 1_000 })
  await accept(claims, names(1_000, 'first'))
  expect(await isKnown(claims, 'first-0')).toBe(true)
  await accept(claims, names(500, 'second'))
  expect(await isKnown(claims, 'first-0')).toBe(false)
  expect(await isKnown(claims, 'first-999')).toBe(true)
  expect(await isKnown(claims, 'second-0')).toBe(true)
})

test('a claim lasts for its lifetime across the turn of the generations', async () => {
  const claims = open()
  await accept(claims, ['early'], NOW)
  await accept(claims, ['late'], NOW + LIFETIME_MS - 1)
  await accept(claims, ['next'], NOW + LIFETIME_MS)
  expect(await isKnown(claims, 'late', NOW + 2 * LIFETIME_MS - 2)).toBe(true)
  expect(await isKnown(claims, 'early', NOW + LIFETIME_MS)).toBe(false)
})

test('what the log holds is restored as accepted, for what is left of its lifetime', async () => {
  const claims = open()
  const { claimKey, id, tenant, traceId, bodyHash } = requestFor('restored')
  claims.restore({ id, tenant, traceId, bodyHash }, NOW - LIFETIME_MS + 10, NOW)
  const copy = requestFor('restored', { token: 'another', traceId: '1'.repeat(32) })
  expect(await claims.claim([copy], NOW)).toEqual([{ verdict: 'replay', id, traceId }])
  expect(await claims.claim([{ ...copy, bodyHash: claimKey }], NOW)).toEqual([{ verdict: 'reused' }])
  expect(await claims.lookup(claimKey, NOW + 10)).toBeUndefined()
})

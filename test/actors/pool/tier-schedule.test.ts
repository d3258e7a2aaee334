import fc from 'fast-check'
import { expect, test } from 'vitest'
import { NO_CREDITS, nextTier } from '../../../actors/pool/tier-schedule.ts'
import { TIERS, type Tier } from '../../../runtime/job/tier.ts'

function starts(waiting: readonly Tier[], rounds: number): Record<Tier, number> {
  const count = { critical: 0, normal: 0, low: 0 }
  let credits = NO_CREDITS
  for (let i = 0; i < rounds; i++) {
    const next = nextTier(credits, (tier) => waiting.includes(tier))
    if (!next) break
    credits = next.credits
    count[next.tier]++
  }
  return count
}

test('with every tier waiting, NORMAL gets 10 % and LOW 2 % of starts, CRITICAL the rest', () => {
  const { critical, normal, low } = starts(TIERS, 10_000)
  expect(normal / 10_000).toBeCloseTo(0.1, 2)
  expect(low / 10_000).toBeCloseTo(0.02, 2)
  expect(critical).toBe(10_000 - normal - low)
})

test('nobody starves and nobody idles, whatever waits', () => {
  fc.assert(
    fc.property(fc.subarray([...TIERS], { minLength: 1 }), (waiting) => {
      const count = starts(waiting, 1_000)
      expect(Object.values(count).reduce((a, b) => a + b)).toBe(1_000)
      for (const tier of TIERS) expect(count[tier] > 0).toBe(waiting.includes(tier))
    }),
  )
})

test('credit cannot be saved up: a tier that had nothing to do starts with none', () => {
  const rich = { critical: 0, normal: 5_000, low: 5_000 }
  expect(nextTier(rich, (tier) => tier === 'critical')?.credits).toEqual(NO_CREDITS)
})

test('with nothing waiting, nothing is next', () => {
  expect(nextTier(NO_CREDITS, () => false)).toBeUndefined()
})

import { expect, it } from 'vitest'
import { DELAY_MAX_MS, seededChance } from '../../../actors/upstreams/chance.ts'

const draws = (seed: number, n: number) => {
  const { next } = seededChance(seed)
  return Array.from({ length: n }, next)
}

it('one seed gives one sequence, another seed another', () => {
  expect(draws(7, 100)).toEqual(draws(7, 100))
  expect(draws(7, 100)).not.toEqual(draws(8, 100))
})

it('draws are evenly spread over [0, 1)', () => {
  const buckets = Array<number>(10).fill(0)
  for (const draw of draws(1, 20_000)) buckets[Math.floor(draw * 10)]!++
  for (const count of buckets) expect(Math.abs(count - 2_000)).toBeLessThan(200)
})

it('a rate of 0 never happens, a rate of 1 always, and 2 % about twice in a hundred', () => {
  const chance = seededChance(1)
  const share = (rate: number) => {
    let happened = 0
    for (let i = 0; i < 20_000; i++) if (chance.happens(rate)) happened++
    return happened / 20_000
  }
  expect(share(0)).toBe(0)
  expect(share(1)).toBe(1)
  expect(share(0.02)).toBeCloseTo(0.02, 2)
})

it('delays are log-normal around their median, and bounded', () => {
  const chance = seededChance(1)
  const delays = Array.from({ length: 20_000 }, () => chance.logNormalMs(300, 0.4)).sort((a, b) => a - b)
  const quantile = (q: number) => delays[Math.floor(q * delays.length)]! / 300
  expect(quantile(0.5)).toBeCloseTo(1, 1)
  // exp(0.4 × 1.2816) and exp(0.4 × 2.3263)
  expect(quantile(0.9)).toBeCloseTo(1.67, 1)
  expect(quantile(0.99)).toBeGreaterThan(2.3)
  expect(quantile(0.99)).toBeLessThan(2.8)
  expect(chance.logNormalMs(1e9, 0)).toBe(DELAY_MAX_MS)
  expect(chance.logNormalMs(0, 0.4)).toBe(0)
})

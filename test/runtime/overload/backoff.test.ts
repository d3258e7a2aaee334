import fc from 'fast-check'
import { expect, it } from 'vitest'
import { backoffMs } from '../../../runtime/overload/backoff.ts'

const bounds = fc
  .tuple(fc.integer({ min: 1, max: 86_400_000 }), fc.integer({ min: 1, max: 86_400_000 }))
  .map(([one, other]) => ({ minMs: Math.min(one, other), maxMs: Math.max(one, other) }))
const attempt = fc.integer({ min: 1, max: 1_000_000 })
const fraction = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

it('a back-off is a whole number of ms between its bounds, whatever the attempt', () => {
  fc.assert(
    fc.property(attempt, bounds, fraction, (n, { minMs, maxMs }, r) => {
      const ms = backoffMs(n, { minMs, maxMs }, () => r)
      return Number.isInteger(ms) && ms >= minMs && ms <= maxMs
    }),
  )
})

it('with the same randomness a later attempt never waits less', () => {
  fc.assert(
    fc.property(attempt, bounds, fraction, (n, limits, r) => {
      return backoffMs(n + 1, limits, () => r) >= backoffMs(n, limits, () => r)
    }),
  )
})

it('the wait doubles per attempt until it reaches the maximum', () => {
  const limits = { minMs: 100, maxMs: 1_000 }
  expect([1, 2, 3, 4, 5, 60].map((n) => backoffMs(n, limits, () => 0))).toEqual([
    100, 200, 400, 500, 500, 500,
  ])
  expect([1, 2, 3, 4, 5, 60].map((n) => backoffMs(n, limits, () => 1 - 2 ** -53))).toEqual([
    200, 400, 800, 1_000, 1_000, 1_000,
  ])
})

it('jobs that fail together are spread over at least half of their wait', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 30 }), (n) => {
      const limits = { minMs: 100, maxMs: 60_000 }
      const spanMs = backoffMs(n, limits, () => 1 - 2 ** -53) - backoffMs(n, limits, () => 0)
      return spanMs * 2 >= backoffMs(n, limits, () => 0)
    }),
  )
})

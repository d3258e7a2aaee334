import fc from 'fast-check'
import { expect, test } from 'vitest'
import { firstOffset, shareToRemove } from '../../../runtime/log/retention.ts'

test('the first offset that holds is found, the upper bound if none does', () => {
  fc.assert(
    fc.property(fc.nat(1_000), fc.nat(1_000), fc.nat(2_500), (low, span, threshold) => {
      const high = low + span
      const found = firstOffset(low, high, (offset) => offset >= threshold)
      expect(found).toBe(Math.min(high, Math.max(low, threshold)))
    }),
  )
})

test.each([
  ['nothing while the log is within its size', 100, 60, 100, 0],
  ['nothing while nothing is consumed', 200, 0, 100, 0],
  ['just what is above the size', 120, 80, 100, 0.25],
  ['all that is consumed when that is not enough', 300, 50, 100, 1],
])('%s is removed', (_, keptBytes, consumedBytes, bytesMax, share) => {
  expect(shareToRemove(keptBytes, consumedBytes, bytesMax)).toBe(share)
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nextThin } from '../../../runtime/overload/thin-mode.ts'

const THRESHOLDS = { onAboveMs: 30_000, offBelowMs: 10_000 }

test.each([
  [false, 30_000, false],
  [false, 30_001, true],
  [true, 30_000, true],
  [true, 10_000, true],
  [true, 9_999, false],
])('thin %s with a head of %i ms becomes %s', (thin, headAgeMs, expected) => {
  expect(nextThin(thin, headAgeMs, THRESHOLDS)).toBe(expected)
})

test('it changes only at a threshold, so an age that wavers between them never flaps', () => {
  const between = fc.array(fc.integer({ min: 10_000, max: 30_000 }))
  fc.assert(
    fc.property(fc.boolean(), between, (start, ages) => {
      expect(ages.reduce((thin, age) => nextThin(thin, age, THRESHOLDS), start)).toBe(start)
    }),
  )
})

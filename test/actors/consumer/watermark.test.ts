import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Watermark } from '../../../actors/consumer/watermark.ts'

test('never passes an offset that is not finished, and reaches the end when all are', () => {
  const offsets = fc.uniqueArray(fc.integer({ min: 0, max: 200 }), { minLength: 1 })
  fc.assert(
    fc.property(offsets, fc.infiniteStream(fc.nat()), (delivered, order) => {
      const ascending = delivered.toSorted((a, b) => a - b)
      const watermark = new Watermark(0)
      for (const offset of ascending) watermark.deliver(offset)
      const unfinished = new Set(ascending)
      while (unfinished.size > 0) {
        const lowest = Math.min(...unfinished)
        expect(watermark.next).toBe(lowest)
        const candidates = [...unfinished]
        const pick = candidates[(order.next().value as number) % candidates.length] as number
        unfinished.delete(pick)
        watermark.finish(pick)
      }
      expect(watermark.next).toBe((ascending.at(-1) as number) + 1)
      expect(watermark.window).toBe(0)
    }),
  )
})

test('finishing twice, below, or beyond what was delivered changes nothing', () => {
  const watermark = new Watermark(10)
  watermark.deliver(10)
  watermark.finish(5)
  watermark.finish(11)
  expect(watermark.next).toBe(10)
  watermark.finish(10)
  watermark.finish(10)
  expect(watermark.next).toBe(11)
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  batchBytes,
  isIntact,
  RecordBatch,
  readHeader,
  readRecords,
} from '../../../runtime/log/record-batch.ts'

const values = fc.array(fc.uint8Array({ maxLength: 50 }), { minLength: 1, maxLength: 20 })

function sealed(of: readonly Uint8Array[], baseOffset = 1_000): Buffer {
  const batch = new RecordBatch(of, Buffer.alloc(batchBytes(of)))
  batch.seal(baseOffset, 77, 1_700_000_000_000)
  return batch.bytes
}

test('records are read as they were written, from any offset on', () => {
  fc.assert(
    fc.property(values, fc.nat({ max: 20 }), (written, skipped) => {
      const bytes = sealed(written)
      const read = readRecords(bytes, 1_000 + skipped)
      expect(read.map(({ offset }) => offset)).toEqual(written.map((_, i) => 1_000 + i).slice(skipped))
      expect(read.map(({ value }) => [...value])).toEqual(written.map((value) => [...value]).slice(skipped))
      expect(readHeader(bytes)).toMatchObject({
        baseOffset: 1_000,
        end: 1_000 + written.length,
        position: 77,
      })
    }),
  )
})

test('one flipped bit anywhere is found', () => {
  fc.assert(
    fc.property(values, fc.nat(), fc.nat({ max: 7 }), (written, at, bit) => {
      const bytes = sealed(written)
      bytes[at % bytes.length]! ^= 1 << bit
      expect(isIntact(bytes)).toBe(false)
    }),
  )
})

test('a batch that is cut off is found', () => {
  const bytes = sealed([new Uint8Array(100)])
  for (const length of [0, 31, 32, bytes.length - 1]) expect(isIntact(bytes.subarray(0, length))).toBe(false)
})

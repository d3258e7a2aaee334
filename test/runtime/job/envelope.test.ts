import fc from 'fast-check'
import { Packr, Unpackr } from 'msgpackr'
import { expect, test } from 'vitest'
import {
  decodeEnvelope,
  type Envelope,
  EnvelopeError,
  encodeEnvelope,
} from '../../../runtime/job/envelope.ts'
import { TIERS } from '../../../runtime/job/tier.ts'

const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.string({ unit: 'binary', maxLength: 40 }).map((value) => value.toWellFormed()),
  fc.string({ minLength: 240, maxLength: 300 }),
)

const envelope: fc.Arbitrary<Envelope> = fc.record({
  id: text,
  tenant: text,
  kind: text,
  tier: fc.constantFrom(...TIERS),
  orderingKey: fc.option(text, { nil: undefined }),
  attempt: fc.integer({ min: 0, max: 65_535 }),
  acceptedAtMs: fc.integer({ min: 0, max: 2 ** 45 }),
  traceparent: text,
  keyed: fc.boolean(),
  unclaimed: fc.boolean(),
  bodyHash: text,
  body: fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.constantFrom(255, 256, 65_535, 65_536, 70_000).map((length) => new Uint8Array(length).fill(7)),
  ),
})

test('what is encoded is decoded, whatever the texts and the length of the body', () => {
  fc.assert(
    fc.property(envelope, (original) => {
      const decoded = decodeEnvelope(encodeEnvelope(original))
      expect({ ...decoded, body: [...decoded.body] }).toEqual({ ...original, body: [...original.body] })
    }),
  )
})

test('it is MessagePack that any reader understands, the version first', () => {
  fc.assert(
    fc.property(envelope, (original) => {
      const fields = new Unpackr({ useRecords: false }).unpack(encodeEnvelope(original)) as unknown[]
      expect(fields).toHaveLength(13)
      expect(fields[0]).toBe(1)
    }),
  )
})

test.each([
  ['no MessagePack', new Uint8Array([0xc1])],
  ['no array', new Packr().pack('text')],
  ['another version', new Packr().pack([2, ...Array(12).fill('x')])],
  ['too few fields', new Packr().pack([1, 'x'])],
])('%s is refused', (_, bytes) => {
  expect(() => decodeEnvelope(bytes)).toThrow(EnvelopeError)
})

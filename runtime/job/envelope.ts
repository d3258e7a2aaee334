import { Packr, Unpackr } from 'msgpackr'
import type { Tier } from './tier.ts'

/**
 * What the log holds of a job: everything needed to run it, versioned, the body bytes as they came.
 *
 * Encoded as one MessagePack array whose first element is the version. A reader refuses versions it does not
 * know; a new field is a new version, and readers keep reading the old ones for as long as the log is retained.
 */
export interface Envelope {
  id: string
  tenant: string
  kind: string
  tier: Tier
  /** Jobs of one (lane, tenant, ordering key) commit in order, one at a time. */
  orderingKey: string | undefined
  /** 1 for the first run. */
  attempt: number
  acceptedAtMs: number
  traceparent: string
  /** Identified by an Idempotency-Key (24 h window) instead of its body (15 min). */
  keyed: boolean
  /** Appended although the claim store was down: the job table alone absorbs copies. */
  unclaimed: boolean
  bodyHash: string
  /** The request body, byte for byte: `{"kind":…,"payload":{…}}`. */
  body: Uint8Array
}

const ENVELOPE_VERSION = 1

export class EnvelopeError extends Error {
  override readonly name = 'EnvelopeError'
}

const packr = new Packr({ useRecords: false })
const unpackr = new Unpackr({ useRecords: false })

/** A view, perhaps, on memory that its neighbours share: copy it before transferring it to another thread. */
export function encodeEnvelope(envelope: Envelope): Uint8Array {
  const { id, tenant, kind, orderingKey = '', traceparent, bodyHash } = envelope
  const texts = `${id}${tenant}${kind}${orderingKey}${traceparent}${bodyHash}`
  const isPlain = texts.length <= PLAIN_CHARS_MAX && Buffer.byteLength(texts) === texts.length
  return isPlain ? encodePlain(envelope) : packr.pack(fieldsOf(envelope))
}

const fieldsOf = (e: Envelope): unknown[] => [
  ENVELOPE_VERSION,
  e.id,
  e.tenant,
  e.kind,
  e.tier,
  e.orderingKey ?? null,
  e.attempt,
  e.acceptedAtMs,
  e.traceparent,
  e.keyed,
  e.unclaimed,
  e.bodyHash,
  e.body,
]

/**
 * The same MessagePack for short ASCII texts, four times as fast, since every job pays it: all but the body is one
 * Latin-1 text, of which each character is a byte.
 */
function encodePlain(e: Envelope): Uint8Array {
  const beforeTime =
    ARRAY_HEAD +
    str(e.id) +
    str(e.tenant) +
    str(e.kind) +
    str(e.tier) +
    optional(e.orderingKey) +
    int(e.attempt)
  const afterTime =
    str(e.traceparent) + bool(e.keyed) + bool(e.unclaimed) + str(e.bodyHash) + bin(e.body.length)
  const head = beforeTime + FLOAT64 + afterTime
  const bytes = Buffer.allocUnsafe(head.length + e.body.length)
  bytes.write(head, 0, 'latin1')
  bytes.writeDoubleBE(e.acceptedAtMs, beforeTime.length + 1)
  bytes.set(e.body, head.length)
  return bytes
}

// https://github.com/msgpack/msgpack/blob/master/spec.md#formats
const chars = (...codes: number[]): string => String.fromCharCode(...codes)
const ARRAY_HEAD = chars(0x90 | 13, ENVELOPE_VERSION)
const FLOAT64 = `\xcb${'\0'.repeat(8)}`
const NIL = '\xc0'
/** Of all texts together: enough for the longest names, and no single one is longer than a `str 8`. */
const PLAIN_CHARS_MAX = 255
const STR_HEADS = Array.from({ length: PLAIN_CHARS_MAX + 1 }, (_, length) =>
  length < 32 ? chars(0xa0 | length) : chars(0xd9, length),
)
const str = (text: string): string => STR_HEADS[text.length] + text
const optional = (text: string | undefined): string => (text === undefined ? NIL : str(text))
const bool = (value: boolean): string => (value ? '\xc3' : '\xc2')
const int = (value: number): string => (value < 128 ? chars(value) : chars(0xcd, value >>> 8, value & 0xff))
const bin = (length: number): string =>
  length < 0x1_0000
    ? chars(0xc5, length >>> 8, length & 0xff)
    : chars(0xc6, length >>> 24, (length >>> 16) & 0xff, (length >>> 8) & 0xff, length & 0xff)

/** Throws EnvelopeError for bytes that are no envelope or of an unknown version. `body` is a view on `bytes`. */
export function decodeEnvelope(bytes: Uint8Array): Envelope {
  const fields = unpack(bytes)
  if (!Array.isArray(fields)) throw new EnvelopeError('not an envelope: the record is no MessagePack array')
  if (fields[0] !== ENVELOPE_VERSION || fields.length !== 13)
    throw new EnvelopeError(
      `envelope version ${String(fields[0])} is unknown: this node reads ${ENVELOPE_VERSION}`,
    )
  return {
    id: fields[1],
    tenant: fields[2],
    kind: fields[3],
    tier: fields[4],
    orderingKey: fields[5] ?? undefined,
    attempt: fields[6],
    acceptedAtMs: fields[7],
    traceparent: fields[8],
    keyed: fields[9],
    unclaimed: fields[10],
    bodyHash: fields[11],
    body: fields[12],
  }
}

function unpack(bytes: Uint8Array): unknown {
  try {
    return unpackr.unpack(bytes)
  } catch (cause) {
    throw new EnvelopeError('not an envelope: the record is no MessagePack', { cause })
  }
}

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

/** The returned bytes own their memory: they may be kept, and transferred to another thread. */
export function encodeEnvelope(e: Envelope): Uint8Array {
  const packed = packr.pack([
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
  ])
  return Uint8Array.prototype.slice.call(packed)
}

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

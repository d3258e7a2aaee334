import { BOUNDS } from '../../runtime/config/bounds.ts'
import { type Checked, type Refusal, refuse } from '../../runtime/http/refusal.ts'
import type { Pool } from '../../runtime/job/lane.ts'
import { isTier, TIERS, type Tier } from '../../runtime/job/tier.ts'
import type { Catalogue, CatalogueEntry } from './catalogue.ts'
import { didYouMean, quoted } from './did-you-mean.ts'
import { explainPayload } from './explain-payload.ts'
import { parseJson } from './parse-json.ts'

/** A job as its client describes it: `{"kind": …, "tier"?: …, "orderingKey"?: …, "payload": …}`, and nothing else. */
export interface ParsedJob {
  kind: string
  pool: Pool
  tier: Tier
  orderingKey: string | undefined
}

const ORDERING_KEY_BYTES_MAX = BOUNDS.ingress.orderingKeyBytesMax
const DEFAULT_TIER: Tier = 'normal'
const MEMBERS = ['kind', 'tier', 'orderingKey', 'payload']

/** Parses and validates; the payload is checked against the schema of its kind and goes on as the bytes it came in. */
export function parseJob(bytes: Buffer, catalogue: Catalogue): Checked<ParsedJob> {
  const json = parseJson(bytes)
  if (!json.ok) return json
  const body = json.value
  if (!isObject(body))
    return refuse('invalid-request', 'the body must be an object with "kind" and "payload"')
  for (const name in body)
    if (!MEMBERS.includes(name))
      return refuse('invalid-request', `unknown member ${quoted(name)}${didYouMean(name, MEMBERS)}`)

  const { kind, payload } = body
  if (typeof kind !== 'string') return refuse('invalid-request', '"kind" must be a string')
  const entry = catalogue.get(kind)
  if (!entry)
    return refuse('unknown-kind', `no handler for ${quoted(kind)}${didYouMean(kind, [...catalogue.keys()])}`)
  const placed = placeJob(kind, entry, body.tier, body.orderingKey)
  if (!placed.ok) return placed
  if (payload === undefined) return refuse('invalid-request', '"payload" is missing')
  if (!entry.payload.Check(payload))
    return refuse('invalid-payload', explainPayload(entry, payload, bytes.length))
  return placed
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The tier and the ordering key, which depend on each other: one key must not be in two lanes. */
function placeJob(
  kind: string,
  entry: CatalogueEntry,
  tier: unknown,
  orderingKey: unknown,
): Checked<ParsedJob> {
  const { pool, orderedTier } = entry
  if (tier !== undefined && !isTier(tier)) return refuseTier(tier)
  if (orderingKey === undefined)
    return { ok: true, value: { kind, pool, tier: tier ?? DEFAULT_TIER, orderingKey: undefined } }
  if (typeof orderingKey !== 'string' || orderingKey === '' || isTooLong(orderingKey))
    return refuse(
      'invalid-ordering-key',
      `"orderingKey" must be a string of 1 to ${ORDERING_KEY_BYTES_MAX} bytes`,
    )
  if (orderedTier === undefined)
    return refuse(
      'invalid-ordering-key',
      `jobs of kind "${kind}" take no ordering key: its handler must fix their tier (orderedTier) first`,
    )
  if (tier !== undefined && tier !== orderedTier)
    return refuse(
      'invalid-ordering-key',
      `jobs of kind "${kind}" with an ordering key are of tier "${orderedTier}", not "${tier}": leave "tier" out`,
    )
  return { ok: true, value: { kind, pool, tier: orderedTier, orderingKey } }
}

/** Bytes of UTF-8. The first comparison alone decides for the very long. */
const isTooLong = (key: string): boolean =>
  key.length > ORDERING_KEY_BYTES_MAX || Buffer.byteLength(key) > ORDERING_KEY_BYTES_MAX

function refuseTier(tier: unknown): Refusal {
  if (typeof tier !== 'string') return refuse('invalid-tier', '"tier" must be a string')
  return refuse('invalid-tier', `${quoted(tier)} is no tier${didYouMean(tier, TIERS)}`)
}

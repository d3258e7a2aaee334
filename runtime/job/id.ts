import { hash } from 'node:crypto'

/**
 * A job's identity: `id = window number ‖ SHA-256(tenant, kind, what makes it the same job)`.
 *
 * What makes it the same job is the Idempotency-Key if one was given, else the raw body bytes. The window is
 * 24 h for keys and 15 min for bodies: the same body in a later window is a new job, and ids can be dropped
 * together with the day they belong to. Every window starts on a multiple of 15 min, so one number serves both.
 *
 * As text an id is 48 URL-safe characters: 5 of base 36 for the window (they sort by time up to the year 3695),
 * then 43 of base64url for the hash. Without its window it is the claim key: `id.slice(5)`.
 */
export interface Identity {
  id: string
  /** The hash part of the id; the same in every window. */
  claimKey: string
  /** SHA-256 of the body in base64url: tells a replay from a reused Idempotency-Key. */
  bodyHash: string
}

export const WINDOW_MS = 15 * 60_000
const WINDOWS_PER_DAY = 96
const WINDOW_CHARS = 5
const ID_PATTERN = /^[0-9a-z]{5}[A-Za-z0-9_-]{43}$/

export interface IdentitySource {
  tenant: string
  kind: string
  idempotencyKey: string | undefined
  body: Uint8Array
}

export function identify(source: IdentitySource, nowMs: number): Identity {
  const keyed = source.idempotencyKey !== undefined
  const bodyHash = hash('sha256', source.body, 'base64url')
  const distinct = keyed ? `k${source.idempotencyKey}` : `b${bodyHash}`
  const claimKey = hash('sha256', lengthPrefixed(source.tenant, source.kind, distinct), 'base64url')
  return { id: idIn(windowAt(nowMs, keyed), claimKey), claimKey, bodyHash }
}

/** The id that the same request would have had one window (of its own length) earlier. */
export function previousWindowId(id: string, keyed: boolean): string {
  return idIn(windowOf(id) - (keyed ? WINDOWS_PER_DAY : 1), claimKeyOf(id))
}

export const isJobId = (text: string): boolean => ID_PATTERN.test(text)
export const claimKeyOf = (id: string): string => id.slice(WINDOW_CHARS)

/** Days since 1970-01-01 (UTC) of the day an id belongs to: the job table's partition. */
export const dayOf = (id: string): number => Math.floor(windowOf(id) / WINDOWS_PER_DAY)

/** The smallest text that sorts at or before every id of a day: the bound of the job table's partition. */
export const dayLowerBound = (day: number): string => encodeWindow(day * WINDOWS_PER_DAY)

/** The window of an id; `idIn` is its inverse. */
export const windowOf = (id: string): number => Number.parseInt(id.slice(0, WINDOW_CHARS), 36)
export const idIn = (window: number, claimKey: string): string => encodeWindow(window) + claimKey
const encodeWindow = (window: number): string => window.toString(36).padStart(WINDOW_CHARS, '0')

function windowAt(nowMs: number, keyed: boolean): number {
  const window = Math.floor(nowMs / WINDOW_MS)
  return keyed ? window - (window % WINDOWS_PER_DAY) : window
}

/** Length prefixes keep ("ab","c") and ("a","bc") apart. */
const lengthPrefixed = (tenant: string, kind: string, distinct: string): string =>
  `${tenant.length}:${tenant}${kind.length}:${kind}${distinct.length}:${distinct}`

import { BOUNDS } from '../config/bounds.ts'

/** An upstream that asks for more is not believed: the job would outlive its own back-off. */
export const RETRY_AFTER_MAX_MS = BOUNDS.upstream.retryAfterMaxMs

const SECONDS = /^\s*\d{1,10}\s*$/

/**
 * `Retry-After` (RFC 9110, section 10.2.3) in ms: a number of seconds or an HTTP date, at most RETRY_AFTER_MAX_MS.
 * Undefined when it is missing or says nothing that can be understood; 0 for a date that is over.
 */
export function retryAfterMs(header: string | null, nowMs: number): number | undefined {
  if (header === null) return undefined
  const waitMs = SECONDS.test(header) ? Number(header) * 1000 : dateMs(header) - nowMs
  return Number.isNaN(waitMs) ? undefined : Math.min(Math.max(waitMs, 0), RETRY_AFTER_MAX_MS)
}

// Date.parse takes "-3" and "1.5" for years and months: only what begins like an HTTP date is one.
const dateMs = (header: string): number => (/^\s*[A-Za-z]{3}/.test(header) ? Date.parse(header) : Number.NaN)

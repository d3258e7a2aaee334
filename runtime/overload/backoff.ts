/**
 * How long to wait before trying again: exponential with "equal jitter" (M. Brooker, "Exponential Backoff And Jitter",
 * AWS Architecture Blog, 2015), so that what failed together does not come back together. Pure.
 */
export interface BackoffBounds {
  minMs: number
  maxMs: number
}

/**
 * Whole ms to wait after failure number `attempt` (from 1): uniform over the upper half of a span that doubles from
 * `2 × minMs` up to `maxMs`. Always within `[minMs, maxMs]`, and for the same randomness never shorter than the attempt
 * before. `random` gives [0, 1).
 */
export function backoffMs(attempt: number, { minMs, maxMs }: BackoffBounds, random: () => number): number {
  // 2 ** 31 ms are 24 days: beyond it the exponent only risks infinity.
  const ceilingMs = Math.min(maxMs, minMs * 2 ** Math.min(Math.max(attempt, 1), 31))
  const floorMs = Math.max(minMs, ceilingMs / 2)
  return Math.min(maxMs, Math.round(floorMs + random() * (ceilingMs - floorMs)))
}

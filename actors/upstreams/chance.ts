import { BOUNDS } from '../../runtime/config/bounds.ts'

/** Seeded randomness of the simulators: the same seed and the same order of requests give the same run. */
export interface Chance {
  /** [0, 1) */
  next(): number
  happens(rate: number): boolean
  /** Half of the values are below the median; sigma is the standard deviation of the logarithm. At most DELAY_MAX_MS. */
  logNormalMs(medianMs: number, sigma: number): number
}

export const DELAY_MAX_MS = BOUNDS.simulator.delayMaxMs

export function seededChance(seed: number): Chance {
  const next = mulberry32(seed)
  return {
    next,
    happens: (rate) => next() < rate,
    logNormalMs(medianMs, sigma) {
      // Box and Muller's transform; 1 - next() is never 0.
      const normal = Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next())
      return Math.min(medianMs * Math.exp(sigma * normal), DELAY_MAX_MS)
    },
  }
}

/** T. Ettinger's 32-bit generator: small, fast, good enough for a simulation. */
function mulberry32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** A seeded source of randomness, the same on every machine: everything that a bench or a chaos run draws comes from here. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** [0, 1), by mulberry32: 32 bits of state are plenty for load. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }

  /** A whole number from 0 up, below `end`. */
  below(end: number): number {
    return Math.floor(this.next() * end)
  }

  /** Standard normal, by Box and Muller. */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next())
  }

  /** An index into `weights`, each as likely as its weight. */
  pick(cumulativeWeights: readonly number[]): number {
    const at = this.next() * (cumulativeWeights.at(-1) ?? 0)
    let low = 0
    let high = cumulativeWeights.length - 1
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((cumulativeWeights[middle] ?? 0) > at) high = middle
      else low = middle + 1
    }
    return low
  }
}

/** Running sums, as `pick` takes them. */
export function cumulative(weights: readonly number[]): number[] {
  let sum = 0
  return weights.map((weight) => {
    sum += weight
    return sum
  })
}

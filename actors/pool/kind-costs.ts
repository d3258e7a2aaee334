/** What a job of each kind costs on average, in ms of handler time: an exponential moving average over its runs. */
const WEIGHT = 0.05
const COST_MS_MIN = 0.01

export class KindCosts {
  readonly #averageMs = new Map<string, number>()
  #dearestMs = COST_MS_MIN

  costMs(kind: string): number {
    return this.#averageMs.get(kind) ?? COST_MS_MIN
  }

  get dearestMs(): number {
    return this.#dearestMs
  }

  observe(kind: string, durationMs: number): void {
    const known = this.#averageMs.get(kind)
    const average = Math.max(
      COST_MS_MIN,
      known === undefined ? durationMs : known + WEIGHT * (durationMs - known),
    )
    this.#averageMs.set(kind, average)
    this.#dearestMs = Math.max(...this.#averageMs.values())
  }
}

/** The time-outs of the jobs under way on a thread, and the longest of them. There are few different ones: one per kind. */
export class LimitsUnderWay {
  readonly #jobs = new Map<number, number>()
  #max = 0

  /** 0 when there are none. */
  get max(): number {
    return this.#max
  }

  add(limitMs: number): void {
    this.#jobs.set(limitMs, (this.#jobs.get(limitMs) ?? 0) + 1)
    if (limitMs > this.#max) this.#max = limitMs
  }

  delete(limitMs: number): void {
    const left = (this.#jobs.get(limitMs) ?? 0) - 1
    if (left > 0) {
      this.#jobs.set(limitMs, left)
      return
    }
    this.#jobs.delete(limitMs)
    if (limitMs === this.#max) this.#max = Math.max(0, ...this.#jobs.keys())
  }
}

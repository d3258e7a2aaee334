/** Gathers what comes within one turn of the event loop and hands it on at its end, as one batch. */
export class TurnBatch<T> {
  readonly #handOn: (batch: T[]) => void
  #gathered: T[] = []

  constructor(handOn: (batch: T[]) => void) {
    this.#handOn = handOn
  }

  add(item: T): void {
    if (this.#gathered.push(item) === 1) setImmediate(this.#flush)
  }

  readonly #flush = (): void => {
    const batch = this.#gathered
    this.#gathered = []
    this.#handOn(batch)
  }
}

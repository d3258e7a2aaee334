/**
 * Whose job in quarantine may run now: one at a time in the whole node, since each may end its process, and nobody could
 * say then which of two it was. Pools that wait are served in the order in which they asked.
 *
 * None has the turn while a consumer still has jobs before it that the process before may have died of: it would be charged
 * with a death of theirs.
 */
export class SoloTurn {
  /** The first has the turn. Each with what tells it that it has. */
  readonly #queue = new Map<object, () => void>()
  readonly #holders: Set<string>

  /** `holders`: consumers that are to be waited for, also before they are up. */
  constructor(holders: Iterable<string> = []) {
    this.#holders = new Set(holders)
  }

  /** True when it is this one's turn; else it is told as soon as it is. Asking again keeps its place. */
  take(owner: object, onTurn: () => void): boolean {
    if (!this.#queue.has(owner)) this.#queue.set(owner, onTurn)
    return this.#current === owner
  }

  /** Its turn is over, or it waits for none any more. */
  give(owner: object): void {
    this.#change(() => this.#queue.delete(owner))
  }

  hold(consumer: string): void {
    this.#holders.add(consumer)
  }

  free(consumer: string): void {
    this.#change(() => this.#holders.delete(consumer))
  }

  #change(change: () => void): void {
    const before = this.#current
    change()
    const current = this.#current
    if (current && current !== before) this.#queue.get(current)?.()
  }

  get #current(): object | undefined {
    return this.#holders.size > 0 ? undefined : this.#queue.keys().next().value
  }
}

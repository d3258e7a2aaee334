/**
 * Restarts that wait out their back-off. Two that overlap become one, and wait as long as the longer of them: what stands
 * on each other comes up together, and nobody's back-off is cut short by a sibling's.
 */
interface Pending<Child> {
  children: Set<Child>
  dueAtMs: number
  timer: NodeJS.Timeout
}

export class PendingRestarts<Child> {
  readonly #restart: (children: ReadonlySet<Child>) => void
  readonly #pendingOf = new Map<Child, Pending<Child>>()

  constructor(restart: (children: ReadonlySet<Child>) => void) {
    this.#restart = restart
  }

  schedule(children: readonly Child[], delayMs: number): void {
    const nowMs = performance.now()
    const overlapping = new Set(children.map((child) => this.#pendingOf.get(child)).filter((one) => !!one))
    const all = new Set(children)
    let dueAtMs = nowMs + delayMs
    for (const pending of overlapping) {
      clearTimeout(pending.timer)
      dueAtMs = Math.max(dueAtMs, pending.dueAtMs)
      for (const child of pending.children) all.add(child)
    }
    const fire = (): void => {
      for (const child of all) this.#pendingOf.delete(child)
      this.#restart(all)
    }
    const pending = { children: all, dueAtMs, timer: setTimeout(fire, dueAtMs - nowMs) }
    for (const child of all) this.#pendingOf.set(child, pending)
  }

  /** `child` is not restarted; what waits with it goes on waiting. */
  remove(child: Child): void {
    const pending = this.#pendingOf.get(child)
    this.#pendingOf.delete(child)
    pending?.children.delete(child)
    if (pending?.children.size === 0) clearTimeout(pending.timer)
  }

  has(child: Child): boolean {
    return this.#pendingOf.has(child)
  }

  clear(): void {
    for (const { timer } of this.#pendingOf.values()) clearTimeout(timer)
    this.#pendingOf.clear()
  }
}

import { Fifo } from '../../runtime/actor/fifo.ts'
import { BOUNDS } from '../../runtime/config/bounds.ts'

/**
 * Deficit round robin over tenants (Shreedhar & Varghese 1995), for one tier. Each round gives every waiting tenant the
 * same handler time; a job costs what its kind takes on average, and the difference is settled when it has run. A tenant
 * that sends much waits behind its own jobs, not in front of others'.
 */
export interface Queued {
  tenant: string
}

/** Rounds a tenant sits out at most after a job that took far longer than its kind's average. */
const DEBT_ROUNDS_MAX = BOUNDS.pool.debtRoundsMax

interface TenantQueue<Item> {
  tenant: string
  items: Fifo<Item>
  deficitMs: number
}

export interface Charges<Item> {
  /** What a job is charged at its start. */
  costMs(item: Item): number
  /** Handler time per tenant and round: no less than the dearest job's cost, so that a visit serves one. */
  quantumMs(): number
}

export class TenantQueues<Item extends Queued> {
  readonly #charges: Charges<Item>
  readonly #queues = new Map<string, TenantQueue<Item>>()
  readonly #round = new Fifo<TenantQueue<Item>>()
  #length = 0

  constructor(charges: Charges<Item>) {
    this.#charges = charges
  }

  get length(): number {
    return this.#length
  }

  get tenants(): number {
    return this.#queues.size
  }

  push(item: Item): void {
    let queue = this.#queues.get(item.tenant)
    if (!queue) {
      queue = { tenant: item.tenant, items: new Fifo(), deficitMs: 0 }
      this.#queues.set(item.tenant, queue)
      this.#round.push(queue)
    }
    queue.items.push(item)
    this.#length++
  }

  shift(): Item | undefined {
    for (;;) {
      const queue = this.#round.peek()
      const item = queue?.items.peek()
      if (!queue || item === undefined) return undefined
      const costMs = this.#charges.costMs(item)
      // Alone, a tenant competes with nobody: no rounds are counted for it.
      if (queue.deficitMs >= costMs || this.#round.length === 1) {
        queue.items.shift()
        queue.deficitMs = Math.max(0, queue.deficitMs - costMs)
        this.#length--
        if (queue.items.length === 0) this.#retire(queue)
        return item
      }
      this.#round.shift()
      queue.deficitMs += this.#charges.quantumMs()
      this.#round.push(queue)
    }
  }

  /** A job took `extraMs` longer (or, negative, shorter) than it was charged. */
  settle(tenant: string, extraMs: number): void {
    const queue = this.#queues.get(tenant)
    if (!queue) return
    const quantumMs = this.#charges.quantumMs()
    queue.deficitMs = Math.min(quantumMs, Math.max(-DEBT_ROUNDS_MAX * quantumMs, queue.deficitMs - extraMs))
  }

  /** An empty queue leaves the round and forgets its deficit, as in the paper: idling earns nothing. */
  #retire(queue: TenantQueue<Item>): void {
    this.#round.shift()
    this.#queues.delete(queue.tenant)
  }
}

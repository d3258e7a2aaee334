import type { Admission, Signal } from './actor.ts'
import { Fifo } from './fifo.ts'

/**
 * An actor's mailbox: signals first, then messages in order of arrival. Messages are bounded always, also while the
 * actor restarts; signals are the kernel's own, at most one per watch.
 *
 *     offer ──► messages ──────────────► take
 *                  unstashed ──(first)──►  │
 *                      ▲                   ▼
 *                      └─── unstashAll ── stash
 *
 * `capacity` refuses new messages, never those it took: what was put aside and comes back may stand above it, and nothing
 * new is taken until the depth is below again. So it holds `capacity` and a full stash at most.
 */
export class Mailbox<Message> {
  readonly capacity: number
  readonly stashCapacity: number
  readonly #signals = new Fifo<Monitor>()
  readonly #messages = new Fifo<Message>()
  /** Taken out before, and put back: they come first. */
  #unstashed = new Fifo<Message>()
  #stash = new Fifo<Message>()
  #depthHighWater = 0
  #refused = 0

  constructor(capacity: number, stashCapacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1)
      throw new RangeError(`mailbox capacity ${capacity} must be 1 or more`)
    if (!Number.isInteger(stashCapacity) || stashCapacity < 0)
      throw new RangeError(`stash capacity ${stashCapacity} must be 0 or more`)
    this.capacity = capacity
    this.stashCapacity = stashCapacity
  }

  offer(message: Message): Admission {
    if (this.#depth >= this.capacity) {
      this.#refused++
      return 'full'
    }
    this.#messages.push(message)
    this.#noteDepth()
    return 'accepted'
  }

  signal(monitor: Monitor): void {
    this.#signals.push(monitor)
  }

  takeSignal(): Signal | undefined {
    for (let monitor = this.#signals.shift(); monitor; monitor = this.#signals.shift())
      if (!monitor.isEnded) return monitor.down
    return undefined
  }

  takeMessage(): Message | undefined {
    return this.#unstashed.length > 0 ? this.#unstashed.shift() : this.#messages.shift()
  }

  /** False when the stash is full. */
  stash(message: Message): boolean {
    if (this.#stash.length >= this.stashCapacity) return false
    this.#stash.push(message)
    return true
  }

  unstashAll(): void {
    if (this.#stash.length === 0) return
    for (const message of this.#unstashed) this.#stash.push(message)
    this.#unstashed = this.#stash
    this.#stash = new Fifo()
    this.#noteDepth()
  }

  get isEmpty(): boolean {
    return this.#depth === 0 && this.#signals.length === 0
  }

  /** Takes everything out, the stash too: the actor ends for good. */
  *drain(): Generator<Message> {
    this.unstashAll()
    for (let m = this.takeMessage(); m !== undefined; m = this.takeMessage()) yield m
    this.forgetSignals()
  }

  /** Signals are meant for one incarnation; messages survive it. */
  forgetSignals(): void {
    this.#signals.clear()
  }

  discard(isOver: (message: Message) => boolean): void {
    for (const queue of [this.#unstashed, this.#messages])
      for (let left = queue.length; left > 0; left--) {
        const message = queue.shift() as Message
        if (!isOver(message)) queue.push(message)
      }
  }

  inspect(): MailboxView {
    return {
      depth: this.#depth,
      capacity: this.capacity,
      highWater: this.#depthHighWater,
      refused: this.#refused,
      stashed: this.#stash.length,
    }
  }

  get #depth(): number {
    return this.#unstashed.length + this.#messages.length
  }

  #noteDepth(): void {
    if (this.#depth > this.#depthHighWater) this.#depthHighWater = this.#depth
  }
}

/** One watch and its DOWN, which is forgotten when the watch is ended before it is read. */
export interface Monitor {
  down: Signal | undefined
  isEnded: boolean
}

export interface MailboxView {
  depth: number
  capacity: number
  highWater: number
  refused: number
  stashed: number
}

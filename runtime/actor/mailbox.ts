import type { Admission, Signal } from './actor.ts'
import { Fifo } from './fifo.ts'

/**
 * An actor's mailbox: signals first, then messages in order of arrival. Messages are bounded always, also while the
 * actor restarts; signals are the kernel's own, at most one per watch.
 */
export class Mailbox<Message> {
  readonly capacity: number
  readonly #signals = new Fifo<Signal>()
  readonly #messages = new Fifo<Message>()
  #depthHighWater = 0
  #refused = 0

  constructor(capacity: number) {
    if (!Number.isInteger(capacity) || capacity < 1)
      throw new RangeError(`mailbox capacity ${capacity} must be 1 or more`)
    this.capacity = capacity
  }

  offer(message: Message): Admission {
    if (this.#messages.length >= this.capacity) {
      this.#refused++
      return 'full'
    }
    this.#messages.push(message)
    if (this.#messages.length > this.#depthHighWater) this.#depthHighWater = this.#messages.length
    return 'accepted'
  }

  signal(signal: Signal): void {
    this.#signals.push(signal)
  }

  takeSignal(): Signal | undefined {
    return this.#signals.shift()
  }

  takeMessage(): Message | undefined {
    return this.#messages.shift()
  }

  get isEmpty(): boolean {
    return this.#messages.length === 0 && this.#signals.length === 0
  }

  /** Takes everything out: the actor ends for good. */
  *drain(): Generator<Message> {
    for (let m = this.#messages.shift(); m !== undefined; m = this.#messages.shift()) yield m
    this.#signals.clear()
  }

  /** Signals are meant for one incarnation; messages survive it. */
  forgetSignals(): void {
    this.#signals.clear()
  }

  inspect(): MailboxView {
    return {
      depth: this.#messages.length,
      capacity: this.capacity,
      highWater: this.#depthHighWater,
      refused: this.#refused,
    }
  }
}

export interface MailboxView {
  depth: number
  capacity: number
  highWater: number
  refused: number
}

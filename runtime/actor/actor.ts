import type { Logger } from '../observe/logger.ts'
import type { ExitReason } from './exit-reason.ts'

/**
 * An actor is a mailbox and a behaviour. A behaviour handles one message at a time; what it throws ends its
 * incarnation, and its supervisor decides what follows.
 */
export interface Behaviour<Message> {
  /** Runs before the first message of an incarnation. A throw fails the start. */
  init?(self: ActorContext<Message>): void | Promise<void>
  receive(message: Message): void | Promise<void>
  /** Signals come by the control lane, before user messages. */
  onSignal?(signal: Signal): void | Promise<void>
  /** Runs once at an orderly stop and after a crash, not after a kill. */
  terminate?(reason: ExitReason): void | Promise<void>
  /** What it adds to its entry in `/inspect`. */
  inspect?(): Record<string, unknown>
}

/** What a behaviour knows of itself. */
export interface ActorContext<Message> {
  readonly self: ActorRef<Message>
  readonly log: Logger
  /** DOWN arrives exactly once, at the end of the target's present incarnation; at once when it is not running. */
  watch(target: Watchable): void
  /** Ends this incarnation as if its handler had thrown: for failures outside of a handler. */
  fail(cause: unknown): void
}

export type Signal = { signal: 'DOWN'; path: string; incarnation: number; reason: ExitReason }

/** `accepted`: it is in the mailbox · `full`: refused, the mailbox is at its bound · `dead`: nobody will read it. */
export type Admission = 'accepted' | 'full' | 'dead'

export interface Watchable {
  readonly path: string
  /** 0 before the first start; one more at each. */
  readonly incarnation: number
  /** `down` is called once. */
  watch(down: (signal: Signal) => void): void
}

export interface ActorRef<Message> extends Watchable {
  /** Never throws, never blocks. */
  tell(message: Message): Admission
  /**
   * Sends what `build` makes around a reply and waits for that reply. Rejects with AskError when the message is
   * refused, the target's incarnation ends, or the time is over; later answers are dropped.
   */
  ask<Answer>(build: (reply: Reply<Answer>) => Message, timeoutMs: number): Promise<Answer>
}

export interface Reply<Answer> {
  answer(value: Answer): void
  fail(error: Error): void
}

export class AskError extends Error {
  override readonly name = 'AskError'
  readonly code: 'full' | 'dead' | 'timeout'

  constructor(path: string, code: 'full' | 'dead' | 'timeout', timeoutMs?: number) {
    super(code === 'timeout' ? `${path} did not answer within ${timeoutMs} ms` : `${path} is ${code}`)
    this.code = code
  }
}

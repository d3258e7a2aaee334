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

/**
 * What one incarnation of an actor knows of itself, and what it acts through. It is also the fence around it: a handler
 * that awaits something can't be interrupted when its actor is killed, and goes on; what it does through its context from
 * then on is dropped, and counted beside the dead letters.
 */
export interface ActorContext<Message> {
  /** This incarnation, as a pid: what is sent through it after its end is dropped, whoever sends it. */
  readonly self: ActorRef<Message>
  readonly log: Logger
  /** Aborted at its end, a kill included: what it holds (intervals, sockets, subscriptions) is released here. */
  readonly ended: AbortSignal
  /** `ref` as this incarnation may use it: for what is sent after an `await`, from a timer or a callback. */
  to<Other>(ref: ActorRef<Other>): ActorRef<Other>
  /**
   * As `ref.ask`, on behalf of the handler that runs: cut to the deadline of the question that it answers itself, and
   * refused with AskError `cycle` when the one it asks waits for it. An ask of a timer or a callback counts as the running
   * handler's, if one runs then. Once the incarnation has ended it never settles: a killed handler that waits for an answer
   * goes no further.
   */
  ask<Other, Answer>(
    ref: ActorRef<Other>,
    build: (reply: Reply<Answer>) => Other,
    timeoutMs: number,
  ): Promise<Answer>
  /**
   * DOWN arrives exactly once, at the end of the target's present incarnation; at once when it is not running. The function
   * that it returns ends the monitor: no DOWN comes after it, not even one that was on its way (Erlang's `demonitor(Ref,
   * [flush])`).
   */
  watch(target: Watchable): () => void
  /**
   * Puts the message being handled aside. It throws when the stash is full. An incarnation that ends, however, leaves its
   * stash at the front of the mailbox.
   */
  stash(message: Message): void
  /** Everything put aside comes before what is in the mailbox, in its order. */
  unstashAll(): void
  /** Ends this incarnation with `normal`, as gen_server's `{stop, normal, State}`: once the running handler is through. */
  stop(): void
  /** Ends this incarnation as if its handler had thrown: for failures outside of a handler. Bound: may be passed on. */
  readonly fail: (cause: unknown) => void
}

export type Signal = { signal: 'DOWN'; path: string; incarnation: number; reason: ExitReason }

/** `accepted`: it is in the mailbox · `full`: refused, the mailbox is at its bound · `dead`: nobody will read it. */
export type Admission = 'accepted' | 'full' | 'dead'

export interface Watchable {
  readonly path: string
  /** 0 before the first start; one more at each. */
  readonly incarnation: number
  /** `down` is called once, and not after the function that it returns. */
  watch(down: (signal: Signal) => void): () => void
}

export interface ActorRef<Message> extends Watchable {
  /** Never throws, never blocks. */
  tell(message: Message): Admission
  /**
   * Sends what `build` makes around a reply and waits for that reply. Rejects with AskError when the message is
   * refused, the target's incarnation ends, or the time is over; later answers are dropped, and counted. A question ends
   * with the incarnation it was put to: the next one does not receive it. `asker` is given by the context of who asks.
   */
  ask<Answer>(build: (reply: Reply<Answer>) => Message, timeoutMs: number, asker?: Asker): Promise<Answer>
}

export interface Reply<Answer> {
  /** When nobody will wait for the answer any more, by the system's clock. */
  readonly deadlineMs: number
  answer(value: Answer): void
  fail(error: Error): void
}

/** One incarnation as those it asks know it. */
export interface Asker {
  readonly waiter: Waiter
  /** A handler of it runs: until it is through, the incarnation waits for what it asks. */
  readonly isHandling: boolean
  /** Of the question that the running handler answers. */
  readonly deadlineMs: number | undefined
  asked(question: OpenQuestion): void
  settled(question: OpenQuestion): void
}

/** An actor as a node of the graph of who waits for whom. */
export interface Waiter {
  readonly path: string
  /** Whom its running handler has asked, and not heard of. */
  readonly waitsFor: readonly Waiter[]
}

export interface OpenQuestion {
  readonly target: Waiter
  readonly deadlineMs: number
  giveUp(error: Error): void
  /** The asker has ended: its promise never settles, so that a handler which is over does not go on. */
  forget(): void
}

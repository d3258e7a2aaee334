import type { Logger } from '../observe/logger.ts'
import type {
  ActorContext,
  ActorRef,
  Behaviour,
  OpenQuestion,
  Reply,
  Signal,
  Waiter,
  Watchable,
} from './actor.ts'
import type { ActorSystem } from './actor-system.ts'
import { type Fence, FencedRef, never } from './fenced-ref.ts'
import type { Mailbox, Monitor } from './mailbox.ts'
import { SelfRef } from './self-ref.ts'

/** What an incarnation needs of the place where it lives. */
export interface Home<Message> {
  readonly system: ActorSystem
  readonly ref: ActorRef<Message> & Waiter
  readonly mailbox: Mailbox<Message>
  /** Something has come into the mailbox. */
  wake(): void
  isHandling(): boolean
  /** Of the question that is being handled. */
  deadlineMs(): number | undefined
  stop(): void
  crash(cause: unknown): void
}

/**
 * One life of an actor, between a start and its end: the context of its behaviour, what it holds of others (monitors,
 * questions), and its fence. Once ended it stays so: everything it is told to do is dropped and counted.
 */
export class Incarnation<Message> implements ActorContext<Message>, Fence {
  readonly number: number
  readonly self: ActorRef<Message>
  behaviour: Behaviour<Message> | undefined
  readonly #home: Home<Message>
  /** Made when they are needed: most actors have none, and there can be many actors. */
  #monitors: Set<() => void> | undefined
  #questions: Set<OpenQuestion> | undefined
  /** Those of the running handler. */
  #waits: Set<OpenQuestion> | undefined
  #log: Logger | undefined
  #ended: AbortController | undefined
  #isOver = false

  constructor(home: Home<Message>, number: number) {
    this.#home = home
    this.number = number
    this.self = new SelfRef(this, home.ref, number)
  }

  get log(): Logger {
    this.#log ??= this.#home.system.log.child({ actor: this.#home.ref.path, incarnation: this.number })
    return this.#log
  }

  get ended(): AbortSignal {
    if (!this.#ended) {
      this.#ended = new AbortController()
      if (this.#isOver) this.#ended.abort()
    }
    return this.#ended.signal
  }

  to<Other>(ref: ActorRef<Other>): ActorRef<Other> {
    return new FencedRef(this, ref)
  }

  ask<Other, Answer>(
    ref: ActorRef<Other>,
    build: (reply: Reply<Answer>) => Other,
    timeoutMs: number,
  ): Promise<Answer> {
    return this.drops() ? never() : ref.ask(build, timeoutMs, this)
  }

  watch(target: Watchable): () => void {
    if (this.drops()) return () => {}
    const monitor: Monitor = { down: undefined, isEnded: false }
    // Replaced below: a target that is not running calls back before it returns.
    let leave = (): void => {}
    this.#monitors ??= new Set()
    const monitors = this.#monitors
    const demonitor = (): void => {
      monitor.isEnded = true
      monitors.delete(demonitor)
      leave()
    }
    monitors.add(demonitor)
    leave = target.watch((down: Signal) => {
      monitors.delete(demonitor)
      monitor.down = down
      this.#home.mailbox.signal(monitor)
      this.#home.wake()
    })
    return demonitor
  }

  stash(message: Message): void {
    if (this.drops()) return
    const { mailbox, ref } = this.#home
    if (mailbox.stash(message)) return
    throw new Error(
      `the stash of ${ref.path} is full, it holds ${mailbox.stashCapacity} messages: unstash them earlier, or give it a higher bound`,
    )
  }

  unstashAll(): void {
    if (this.drops()) return
    this.#home.mailbox.unstashAll()
    this.#home.wake()
  }

  stop(): void {
    if (!this.drops()) this.#home.stop()
  }

  readonly fail = (cause: unknown): void => {
    if (!this.drops()) this.#home.crash(cause)
  }

  drops(): boolean {
    if (this.#isOver) this.#home.system.deadLetters.countFenced()
    return this.#isOver
  }

  get waiter(): Waiter {
    return this.#home.ref
  }

  get isHandling(): boolean {
    return this.#home.isHandling()
  }

  get deadlineMs(): number | undefined {
    return this.#home.deadlineMs()
  }

  asked(question: OpenQuestion): void {
    this.#questions ??= new Set()
    this.#questions.add(question)
    if (!this.isHandling) return
    this.#waits ??= new Set()
    this.#waits.add(question)
  }

  settled(question: OpenQuestion): void {
    this.#questions?.delete(question)
    this.#waits?.delete(question)
  }

  get waitsFor(): Waiter[] {
    return Array.from(this.#waits ?? [], ({ target }) => target)
  }

  /** The running handler is through: it waits for nobody. */
  handled(): void {
    this.#waits?.clear()
  }

  end(): void {
    this.#isOver = true
    for (const demonitor of this.#monitors ?? []) demonitor()
    for (const question of this.#questions ?? []) question.forget()
    this.#ended?.abort()
  }
}

import { BOUNDS } from '../config/bounds.ts'
import type { ActorContext, ActorRef, Admission, Asker, Behaviour, Reply, Signal, Waiter } from './actor.ts'
import type { ActorSystem } from './actor-system.ts'
import { AskError } from './ask-error.ts'
import {
  describeExit,
  type ExitReason,
  exitByError,
  KILLED,
  NOPROC,
  NORMAL,
  SHUTDOWN,
  toError,
} from './exit-reason.ts'
import { type Home, Incarnation } from './incarnation.ts'
import { Mailbox, type MailboxView } from './mailbox.ts'
import { Questions } from './questions.ts'

/**
 * The place where an actor lives: path, mailbox, and the present incarnation.
 *
 *     idle ──start──► starting ──init──► running ──stop──► stopping ──► idle      (orderly)
 *                         └───── a throw, or kill ─────────────────────► idle      (crash)
 *     idle ──close──► closed: its messages become dead letters, until a start opens it again
 *
 * The ref is valid before the first start and across restarts: messages wait in the mailbox, within its bound. The one
 * that was being handled at a crash is gone, as in OTP; those that were stashed come first.
 */
export type CellState = 'idle' | 'starting' | 'running' | 'stopping' | 'closed'

export class ActorCell<Message> implements ActorRef<Message>, Waiter {
  readonly path: string
  readonly #system: ActorSystem
  readonly #create: (self: ActorContext<Message>) => Behaviour<Message>
  readonly #onDeadLetter: (message: Message) => void
  readonly #mailbox: Mailbox<Message>
  #state: CellState = 'idle'
  #incarnation = 0
  #life: Incarnation<Message> | undefined
  #exited: PromiseWithResolvers<ExitReason> = Promise.withResolvers()
  /** A handler's promise is under way: the next message waits for it. */
  #busy = false
  #inTurn = false
  #terminating = false
  #scheduled = false
  /** How the incarnation will end, once the handler that runs is through. */
  #ending: ExitReason | undefined
  /** What the running handler handles; of no meaning when none runs. */
  #current: Message | undefined
  #handled = 0
  readonly #watchers = new Set<{ down: (signal: Signal) => void }>()
  readonly #questions: Questions<Message>
  readonly #home: Home<Message>

  constructor(
    system: ActorSystem,
    path: string,
    capacity: number,
    create: (self: ActorContext<Message>) => Behaviour<Message>,
    onDeadLetter: (message: Message) => void = () => {},
    stashCapacity: number = BOUNDS.kernel.stashMessagesMax,
  ) {
    this.#system = system
    this.path = path
    this.#create = create
    this.#onDeadLetter = onDeadLetter
    this.#mailbox = new Mailbox(capacity, stashCapacity)
    this.#questions = new Questions(system, this)
    this.#home = {
      system,
      ref: this,
      mailbox: this.#mailbox,
      wake: () => this.#schedule(),
      isHandling: () => this.#isHandling,
      deadlineMs: () => (this.#isHandling ? this.#questions.deadlineMs(this.#current) : undefined),
      stop: () => this.#endAfterHandler(NORMAL),
      crash: (cause) => this.#crash(cause),
    }
  }

  get incarnation(): number {
    return this.#incarnation
  }

  tell(message: Message): Admission {
    if (this.#state === 'closed') {
      this.#bury(message)
      return 'dead'
    }
    const admission = this.#mailbox.offer(message)
    if (admission === 'accepted') this.#schedule()
    return admission
  }

  ask<Answer>(build: (reply: Reply<Answer>) => Message, timeoutMs: number, asker?: Asker): Promise<Answer> {
    if (!this.#life) return Promise.reject(new AskError('dead', `${this.path} is dead`))
    return this.#questions.ask(build, timeoutMs, asker)
  }

  /** Whom its running handler has asked, and not heard of. */
  get waitsFor(): readonly Waiter[] {
    return this.#life?.waitsFor ?? []
  }

  watch(down: (signal: Signal) => void): () => void {
    if (!this.#life) {
      down({ signal: 'DOWN', path: this.path, incarnation: this.#incarnation, reason: NOPROC })
      return () => {}
    }
    const watcher = { down }
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  /** Begins a new incarnation; resolves when `init` is through, rejects with what it threw. */
  async start(): Promise<void> {
    if (this.#state !== 'idle' && this.#state !== 'closed')
      throw new Error(`${this.path} cannot start: it is ${this.#state}`)
    const life = new Incarnation(this.#home, ++this.#incarnation)
    const exited = Promise.withResolvers<ExitReason>()
    this.#life = life
    this.#exited = exited
    this.#state = 'starting'
    this.#current = undefined
    try {
      life.behaviour = this.#create(life)
      // A kill does not wait for it.
      await Promise.race([life.behaviour.init?.(life), exited.promise])
    } catch (cause) {
      if (this.#terminating) await exited.promise
      else if (this.#life === life) this.#end(exitByError(cause))
      throw cause
    }
    if (this.#life !== life || this.#terminating)
      throw new Error(`${this.path} ended while it started: ${describeExit(await exited.promise)}`)
    this.#state = 'running'
    life.handled()
    if (this.#ending) void this.#terminate(this.#ending)
    else if (!this.#mailbox.isEmpty) this.#schedule()
  }

  /** How the present incarnation ends. */
  get exited(): Promise<ExitReason> {
    return this.#exited.promise
  }

  /** Orderly: what runs, `init` or a handler, is finished, messages that wait are kept; then `terminate` runs. */
  stop(): void {
    this.#endAfterHandler(SHUTDOWN)
  }

  /** Ends the present incarnation as if its handler had thrown; false when nothing runs. */
  crash(cause: unknown): boolean {
    if (!this.#life) return false
    this.#crash(cause)
    return true
  }

  /** At once: whatever the incarnation still does goes unheard. */
  kill(): void {
    if (this.#life) this.#end(KILLED)
  }

  /** Nobody will start it again for now: messages, waiting ones too, become dead letters. */
  close(): void {
    this.kill()
    this.#state = 'closed'
    for (const message of this.#mailbox.drain()) this.#bury(message)
  }

  inspect(): { state: CellState; mailbox: MailboxView } & Record<string, unknown> {
    return {
      state: this.#state,
      incarnation: this.#incarnation,
      handled: this.#handled,
      mailbox: this.#mailbox.inspect(),
      ...this.#life?.behaviour?.inspect?.(),
    }
  }

  #bury(message: Message): void {
    this.#system.deadLetters.add(this.path, message)
    try {
      this.#onDeadLetter(message)
    } catch (cause) {
      // Who sends, or ends this actor, has no part in it.
      this.#system.log.error({ actor: this.path, err: toError(cause) }, 'a dead letter could not be handled')
    }
  }

  /** While this holds, it takes no message: those that it asks may not ask it. */
  get #isHandling(): boolean {
    return this.#busy || this.#inTurn || this.#terminating || this.#state === 'starting'
  }

  #schedule(): void {
    if (this.#scheduled || this.#busy || this.#state !== 'running') return
    this.#scheduled = true
    queueMicrotask(this.#turn)
  }

  readonly #turn = (): void => {
    this.#scheduled = false
    const life = this.#life
    if (this.#busy || !life) return
    this.#inTurn = true
    this.#handleSome(life)
    this.#inTurn = false
    if (this.#life !== life || !this.#ending || this.#terminating) return
    if (!this.#busy || this.#ending.kind === 'error') void this.#terminate(this.#ending)
  }

  /** Handles messages until none is left, one takes time, or the turn's bound is reached. */
  #handleSome(life: Incarnation<Message>): void {
    const { behaviour } = life
    if (!behaviour) return
    for (let n = 0; n < this.#system.messagesPerTurn; n++) {
      if (this.#state !== 'running' || this.#life !== life) return
      let pending: void | Promise<void>
      try {
        const signal = this.#mailbox.takeSignal()
        if (signal) {
          this.#current = undefined
          pending = behaviour.onSignal?.(signal)
        } else {
          const message = this.#mailbox.takeMessage()
          if (message === undefined) return
          this.#current = message
          pending = behaviour.receive(message)
        }
        this.#handled++
      } catch (cause) {
        if (this.#life === life) this.#crash(cause)
        return
      }
      if (pending !== undefined) {
        this.#await(life, pending)
        return
      }
      life.handled()
    }
    this.#scheduled = true
    setImmediate(this.#turn)
  }

  #await(life: Incarnation<Message>, pending: Promise<void>): void {
    // A handler that killed its own actor: nobody hears how it ends.
    if (this.#life === life) this.#busy = true
    pending.then(
      () => this.#resume(life),
      (cause) => {
        if (this.#life === life) this.#crash(cause)
      },
    )
  }

  #resume(life: Incarnation<Message>): void {
    if (this.#life !== life || this.#terminating) return
    this.#busy = false
    life.handled()
    if (this.#ending) void this.#terminate(this.#ending)
    else if (!this.#mailbox.isEmpty) this.#schedule()
  }

  /** The first to say how it ends is right; a crash overrides an orderly end. */
  #endAfterHandler(reason: ExitReason): void {
    if (!this.#life || this.#ending) return
    this.#ending = reason
    if (this.#state === 'starting') return
    this.#state = 'stopping'
    if (!this.#busy && !this.#inTurn) void this.#terminate(reason)
  }

  #crash(cause: unknown): void {
    if (this.#ending?.kind === 'error') return
    this.#ending = exitByError(cause)
    if (this.#terminating) return
    // From within the handler: once it returns, as if it had thrown.
    if (this.#inTurn) this.#state = 'stopping'
    else void this.#terminate(this.#ending)
  }

  async #terminate(reason: ExitReason): Promise<void> {
    const life = this.#life
    this.#state = 'stopping'
    this.#terminating = true
    this.#current = undefined
    life?.handled()
    try {
      await life?.behaviour?.terminate?.(reason)
    } catch (cause) {
      if (this.#life === life) this.#crash(cause)
    }
    if (this.#life === life) this.#end(this.#ending ?? reason)
  }

  #end(reason: ExitReason): void {
    const { path } = this
    const life = this.#life
    const incarnation = this.#incarnation
    const exited = this.#exited
    this.#life = undefined
    this.#busy = false
    this.#terminating = false
    this.#ending = undefined
    this.#current = undefined
    this.#state = 'idle'
    // For the next incarnation: what was stashed comes first. Signals and questions were meant for this one.
    this.#mailbox.forgetSignals()
    this.#mailbox.unstashAll()
    this.#questions.end(this.#mailbox)
    life?.end()
    if (reason.kind === 'error')
      this.#system.log.error({ actor: path, incarnation, err: reason.error }, describeExit(reason))
    // One may end the monitor of another.
    for (const watcher of this.#watchers) {
      this.#watchers.delete(watcher)
      try {
        watcher.down({ signal: 'DOWN', path, incarnation, reason })
      } catch (cause) {
        // One that fails takes nobody's DOWN with it.
        this.#system.log.error({ actor: path, incarnation, err: toError(cause) }, 'a monitor failed')
      }
    }
    exited.resolve(reason)
  }
}

import {
  type ActorContext,
  type ActorRef,
  type Admission,
  AskError,
  type Behaviour,
  type Reply,
  type Signal,
  type Watchable,
} from './actor.ts'
import type { ActorSystem } from './actor-system.ts'
import { describeExit, type ExitReason, exitByError, KILLED, NOPROC, SHUTDOWN } from './exit-reason.ts'
import { Mailbox, type MailboxView } from './mailbox.ts'

/**
 * The place where an actor lives: path, mailbox, and the behaviour of the present incarnation.
 *
 *     idle ──start──► starting ──init──► running ──stop──► stopping ──► idle      (orderly)
 *                         └───── a throw, or kill ─────────────────────► idle      (crash)
 *     idle ──close──► closed: its messages become dead letters, until a start opens it again
 *
 * The ref is valid before the first start and across restarts: messages wait in the mailbox, within its bound.
 */
export type CellState = 'idle' | 'starting' | 'running' | 'stopping' | 'closed'

export class ActorCell<Message> implements ActorRef<Message> {
  readonly path: string
  readonly #system: ActorSystem
  readonly #create: () => Behaviour<Message>
  readonly #onDeadLetter: (message: Message) => void
  readonly #mailbox: Mailbox<Message>
  #state: CellState = 'idle'
  #incarnation = 0
  #behaviour: Behaviour<Message> | undefined
  #exited: PromiseWithResolvers<ExitReason> = Promise.withResolvers()
  /** A handler's promise is under way: the next message waits for it. */
  #busy = false
  #terminating = false
  #scheduled = false
  #handled = 0
  readonly #watchers = new Set<(signal: Signal) => void>()
  readonly #asks = new Set<(error: AskError) => void>()

  constructor(
    system: ActorSystem,
    path: string,
    capacity: number,
    create: () => Behaviour<Message>,
    onDeadLetter: (message: Message) => void = () => {},
  ) {
    this.#system = system
    this.path = path
    this.#create = create
    this.#onDeadLetter = onDeadLetter
    this.#mailbox = new Mailbox(capacity)
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

  ask<Answer>(build: (reply: Reply<Answer>) => Message, timeoutMs: number): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer)
        this.#asks.delete(fail)
      }
      const fail = (error: Error): void => {
        settle()
        reject(error)
      }
      const timer = setTimeout(() => fail(new AskError(this.path, 'timeout', timeoutMs)), timeoutMs)
      const answer = (value: Answer): void => {
        settle()
        resolve(value)
      }
      this.#asks.add(fail)
      // A question waits for nobody's next incarnation: it would be answered out of its time.
      const admission = this.#behaviour ? this.tell(build({ answer, fail })) : 'dead'
      if (admission !== 'accepted') fail(new AskError(this.path, admission))
    })
  }

  watch(down: (signal: Signal) => void): void {
    if (this.#behaviour) this.#watchers.add(down)
    else down({ signal: 'DOWN', path: this.path, incarnation: this.#incarnation, reason: NOPROC })
  }

  /** Begins a new incarnation; resolves when `init` is through, rejects with what it threw. */
  async start(): Promise<void> {
    if (this.#state !== 'idle' && this.#state !== 'closed')
      throw new Error(`${this.path} cannot start: it is ${this.#state}`)
    this.#incarnation++
    this.#exited = Promise.withResolvers()
    this.#state = 'starting'
    this.#mailbox.forgetSignals()
    const behaviour = this.#createOrEnd()
    this.#behaviour = behaviour
    try {
      await behaviour.init?.(this.#context())
    } catch (cause) {
      if (this.#behaviour === behaviour) this.#end(exitByError(cause))
      throw cause
    }
    if (this.#behaviour !== behaviour) throw new Error(`${this.path} was killed while it started`)
    this.#state = 'running'
    if (!this.#mailbox.isEmpty) this.#schedule()
  }

  #createOrEnd(): Behaviour<Message> {
    try {
      return this.#create()
    } catch (cause) {
      this.#end(exitByError(cause))
      throw cause
    }
  }

  /** How the present incarnation ends. */
  get exited(): Promise<ExitReason> {
    return this.#exited.promise
  }

  /** Orderly: the message being handled is finished, those waiting are kept; then `terminate` runs. */
  stop(): void {
    if (this.#state !== 'running') return
    this.#state = 'stopping'
    if (!this.#busy) void this.#terminate(SHUTDOWN)
  }

  /** At once: whatever the incarnation still does goes unheard. */
  kill(): void {
    if (this.#behaviour) this.#end(KILLED)
  }

  /** Nobody will start it again for now: messages, waiting ones too, become dead letters. */
  close(): void {
    this.kill()
    this.#state = 'closed'
    for (const message of this.#mailbox.drain()) this.#bury(message)
  }

  #bury(message: Message): void {
    this.#system.deadLetters.add(this.path, message)
    this.#onDeadLetter(message)
  }

  inspect(): { state: CellState; mailbox: MailboxView } & Record<string, unknown> {
    return {
      state: this.#state,
      incarnation: this.#incarnation,
      handled: this.#handled,
      mailbox: this.#mailbox.inspect(),
      ...this.#behaviour?.inspect?.(),
    }
  }

  #context(): ActorContext<Message> {
    const incarnation = this.#incarnation
    const behaviour = this.#behaviour
    return {
      self: this,
      log: this.#system.log.child({ actor: this.path, incarnation }),
      watch: (target: Watchable) =>
        target.watch((signal) => {
          if (this.#incarnation !== incarnation || !this.#behaviour) return
          this.#mailbox.signal(signal)
          this.#schedule()
        }),
      fail: (cause) => {
        if (behaviour) void this.#crash(behaviour, cause)
      },
    }
  }

  #schedule(): void {
    if (this.#scheduled || this.#busy || this.#state !== 'running') return
    this.#scheduled = true
    queueMicrotask(this.#turn)
  }

  /** Handles messages until none is left, one takes time, or the turn's bound is reached. */
  readonly #turn = (): void => {
    this.#scheduled = false
    if (this.#busy) return
    const behaviour = this.#behaviour
    for (let n = 0; n < this.#system.messagesPerTurn; n++) {
      if (this.#state !== 'running' || this.#behaviour !== behaviour || !behaviour) return
      let pending: void | Promise<void>
      try {
        const signal = this.#mailbox.takeSignal()
        if (signal) pending = behaviour.onSignal?.(signal)
        else {
          const message = this.#mailbox.takeMessage()
          if (message === undefined) return
          pending = behaviour.receive(message)
        }
        this.#handled++
      } catch (cause) {
        void this.#crash(behaviour, cause)
        return
      }
      if (pending !== undefined) {
        this.#busy = true
        pending.then(
          () => this.#resume(behaviour),
          (cause) => this.#crash(behaviour, cause),
        )
        return
      }
    }
    this.#scheduled = true
    setImmediate(this.#turn)
  }

  #resume(behaviour: Behaviour<Message>): void {
    if (this.#behaviour !== behaviour || this.#terminating) return
    this.#busy = false
    if (this.#state === 'stopping') void this.#terminate(SHUTDOWN)
    else if (!this.#mailbox.isEmpty) this.#schedule()
  }

  async #crash(behaviour: Behaviour<Message>, cause: unknown): Promise<void> {
    if (this.#behaviour !== behaviour) return
    if (this.#terminating) this.#end(exitByError(cause))
    else await this.#terminate(exitByError(cause))
  }

  async #terminate(reason: ExitReason): Promise<void> {
    const behaviour = this.#behaviour
    this.#state = 'stopping'
    this.#terminating = true
    let final = reason
    try {
      await behaviour?.terminate?.(reason)
    } catch (cause) {
      if (reason.kind !== 'error') final = exitByError(cause)
    }
    if (this.#behaviour === behaviour) this.#end(final)
  }

  #end(reason: ExitReason): void {
    this.#behaviour = undefined
    this.#busy = false
    this.#terminating = false
    this.#state = 'idle'
    const signal: Signal = { signal: 'DOWN', path: this.path, incarnation: this.#incarnation, reason }
    for (const fail of [...this.#asks]) fail(new AskError(this.path, 'dead'))
    for (const down of this.#watchers) down(signal)
    this.#watchers.clear()
    if (reason.kind === 'error')
      this.#system.log.error(
        { actor: this.path, incarnation: this.#incarnation, err: reason.error },
        describeExit(reason),
      )
    this.#exited.resolve(reason)
  }
}

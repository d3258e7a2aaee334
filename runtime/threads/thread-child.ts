import type { Admission, Signal, Watchable } from '../actor/actor.ts'
import type { ActorSystem } from '../actor/actor-system.ts'
import { ExitError, type ExitReason, NOPROC, toError } from '../actor/exit-reason.ts'
import { BOUNDS } from '../config/bounds.ts'
import type { ChildSpec, Crash, RunningChild, Shutdown } from '../supervision/child-spec.ts'
import type { BootedThread } from './booted-thread.ts'
import { ThreadBoard } from './thread-board.ts'
import { threadExit } from './thread-exit.ts'
import type { ThreadGroup } from './thread-group.ts'
import { ThreadIncarnation } from './thread-incarnation.ts'
import type { ThreadWatch, WatchedThread } from './thread-watch.ts'

/**
 * A thread as a supervised child. Its ref takes messages while the thread runs, `capacity` of them unread at most;
 * what it posts goes to `onMessage`, and everything it posted has been handed over before its exit is known.
 *
 * A thread that is worn (`thread-judgement.ts`) is replaced without a gap: the next incarnation boots, then takes over, then
 * the old one is told to stop, finishes what it has, and reports it under its own incarnation. Its supervisor sees one child
 * that goes on; its end, even by a crash, is its watchers' business only.
 */
export interface ThreadChildOptions {
  path: string
  group: ThreadGroup
  /** Who judges whether it is well; nobody where it is left out. */
  watch?: ThreadWatch
  /** URL of the ThreadModule. */
  module: string
  /** The module's arguments, asked for at each start. */
  args: () => unknown
  /** Messages on their way to the thread, unread. */
  capacity: number
  shutdown: Shutdown
  startTimeoutMs: number
  onMessage(message: unknown, incarnation: number): void
  /** Called at each start, before any message. The incarnation before may still be finishing what it has. */
  onUp?(thread: ThreadIncarnation): void
}

export class ThreadRef implements Watchable {
  readonly path: string
  readonly #system: ActorSystem
  readonly #options: ThreadChildOptions
  #incarnation = 0
  #current: ThreadIncarnation | undefined
  /** Those that were recycled, and the current one: until their exits are known. */
  readonly #alive = new Set<ThreadIncarnation>()
  readonly #watched = new Map<ThreadIncarnation, WatchedThread>()
  readonly #booting = new Set<BootedThread>()
  #exited: PromiseWithResolvers<ExitReason> = Promise.withResolvers()
  #lastReason: ExitReason = NOPROC
  #isStopping = false
  #recycleAfterMs = 0

  constructor(system: ActorSystem, options: ThreadChildOptions) {
    this.#system = system
    this.#options = options
    this.path = options.path
  }

  get incarnation(): number {
    return this.#incarnation
  }

  get isRunning(): boolean {
    return this.#current !== undefined
  }

  /** The one that takes messages now. */
  get current(): ThreadIncarnation | undefined {
    return this.#current
  }

  /** To the current incarnation. */
  tell(message: unknown, transfer: readonly ArrayBuffer[] = []): Admission {
    if (this.#current) return this.#current.tell(message, transfer)
    this.#system.deadLetters.add(this.path, message)
    return 'dead'
  }

  watch(down: (signal: Signal) => void): () => void {
    if (this.#current) return this.#current.watch(down)
    down({ signal: 'DOWN', path: this.path, incarnation: this.#incarnation, reason: NOPROC })
    return () => {}
  }

  async start(): Promise<RunningChild> {
    this.#isStopping = false
    this.#exited = Promise.withResolvers()
    this.#serve(await this.#bringUp())
    return {
      exited: this.#exited.promise,
      stop: () => this.#stop(),
      kill: () => this.#kill(),
      crash: (how: Crash) => this.#current?.crash(how) ?? false,
    }
  }

  /** A start or a replacement that is under way comes to nothing. */
  cancelStart(): void {
    for (const thread of this.#booting) thread.kill()
  }

  inspect(): Record<string, unknown> {
    const current = this.#current
    if (!current) return { state: 'idle', incarnation: this.#incarnation }
    const watched = this.#watched.get(current)
    return {
      ...current.inspect(),
      ...(watched && this.#options.watch?.inspect(watched)),
      finishing: this.#alive.size - 1,
    }
  }

  /** Boots a thread as the next incarnation. Rejects with ExitError when it does not come up. */
  async #bringUp(): Promise<ThreadIncarnation> {
    const { group, module, args, startTimeoutMs, onMessage } = this.#options
    const exited = this.#exited
    const incarnation = ++this.#incarnation
    const board = new ThreadBoard(this.#system.now())
    const boot = { module, args: args() }
    const thread = group.take(boot)
    this.#booting.add(thread)
    const late = new Error(`thread was not ready within ${startTimeoutMs} ms`)
    const timer = setTimeout(() => thread.kill(threadExit('boot', late)), startTimeoutMs)
    const order = { board: board.buffer, epochMs: board.epochMs, path: this.path, incarnation }
    const failed = await thread.start(
      { ...order, args: boot.args },
      (message) => onMessage(message, incarnation),
      () => this.#system.deadLetters.countFenced(),
    )
    clearTimeout(timer)
    this.#booting.delete(thread)
    if (failed) {
      if (!thread.isPrepared) group.renew()
      const error = 'error' in failed ? failed.error : new Error(`thread was ended while it started`)
      throw new ExitError(threadExit('boot', error))
    }
    group.refill(boot)
    const life = new ThreadIncarnation(this.#system, this.#options, { incarnation, board, thread })
    void thread.exited.then((reason) => this.#end(life, reason, exited))
    return life
  }

  /** From now on it is the one that takes messages. */
  #serve(life: ThreadIncarnation): void {
    this.#current = life
    this.#alive.add(life)
    const watched: WatchedThread = {
      path: this.path,
      board: life.board,
      worker: life.worker,
      kill: (reason) => life.kill(reason),
      recycle: () => void this.#recycle(life),
    }
    this.#watched.set(life, watched)
    this.#options.watch?.add(watched)
    this.#options.onUp?.(life)
  }

  async #recycle(old: ThreadIncarnation): Promise<void> {
    if (this.#current !== old || old.state !== 'running' || this.#system.now() < this.#recycleAfterMs) return
    old.state = 'recycling'
    try {
      const next = await this.#bringUp()
      // The old one died meanwhile, or all is to stop: then that is its supervisor's business, and this one too much.
      if (this.#current !== old || !old.isServing) return next.kill()
      this.#serve(next)
      old.stop()
    } catch (cause) {
      this.#recycleAfterMs = this.#system.now() + BOUNDS.kernel.restartDelayMaxMs
      if (old.state === 'recycling') old.state = 'running'
      this.#system.log.warn(
        { actor: this.path, err: toError(cause) },
        'a worn thread could not be replaced yet',
      )
    }
  }

  #stop(): void {
    this.#isStopping = true
    this.cancelStart()
    this.#current?.stop()
  }

  #kill(): void {
    this.cancelStart()
    for (const life of this.#alive) life.kill()
  }

  /** `exited`: of the start that it belongs to. What still finishes from an earlier one says nothing of the present one. */
  #end(life: ThreadIncarnation, reason: ExitReason, exited: PromiseWithResolvers<ExitReason>): void {
    this.#alive.delete(life)
    const watched = this.#watched.get(life)
    this.#watched.delete(life)
    if (watched) this.#options.watch?.remove(watched)
    life.end(reason)
    if (this.#current === life) {
      this.#current = undefined
      this.#lastReason = reason
    }
    if (this.#current) return
    // A crash is known at once; a stop is over with those that were finishing what they had.
    if (!this.#isStopping) exited.resolve(this.#lastReason)
    else if (this.#alive.size === 0) this.#exited.resolve(this.#lastReason)
  }
}

export function threadChild(
  system: ActorSystem,
  options: ThreadChildOptions,
): { ref: ThreadRef; spec: ChildSpec<RunningChild> } {
  const ref = new ThreadRef(system, options)
  const spec: ChildSpec<RunningChild> = {
    id: options.path.slice(options.path.lastIndexOf('/') + 1),
    restart: 'permanent',
    shutdown: options.shutdown,
    start: () => ref.start(),
    cancelStart: () => ref.cancelStart(),
    inspect: () => ({ type: 'thread', ...ref.inspect() }),
    close: () => options.group.dropSpare(),
  }
  return { ref, spec }
}

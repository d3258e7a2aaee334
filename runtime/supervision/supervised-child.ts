import type { ActorSystem } from '../actor/actor-system.ts'
import { describeExit, type ExitReason, exitByError, isOrderly } from '../actor/exit-reason.ts'
import type { ChildSpec, Restart, RunningChild } from './child-spec.ts'
import type { Turns } from './turns.ts'

/**
 * The life of one child under its supervisor, which decides; this carries it out. In any state it can be ended and killed.
 *
 *     waiting ──start──► starting ──► running ──exit──► exited      its supervisor has not decided yet
 *                            │            └────end────► stopping ──► ended
 *                            ├─ ignore ──► ignored
 *                            └─ failed, or given up by an end or a kill ──► ended
 *     restarting: it will be started again, after its back-off or in its turn
 *
 * A start that is given up is not waited for: what comes up all the same is killed at once, so that no zombie is left.
 */
export type ChildStatus =
  | 'waiting'
  | 'starting'
  | 'running'
  | 'exited'
  | 'stopping'
  | 'restarting'
  | 'ended'
  | 'ignored'

type StartOutcome = RunningChild | 'ignore' | 'abandoned'

export class SupervisedChild {
  readonly spec: ChildSpec
  readonly path: string
  /** In which its supervisor decides about it. */
  readonly turns: Turns
  status: ChildStatus = 'waiting'
  readonly #system: ActorSystem
  readonly #resetMs: number
  readonly #onExit: (reason: ExitReason) => void
  #running: RunningChild | undefined
  #restarts = 0
  /** Exits since the child was last up for `resetMs`: the exponent of its back-off. */
  #failuresInARow = 0
  #startedAtMs = 0
  #lastExit: { reason: ExitReason; atMs: number } | undefined
  #starting: Promise<StartOutcome> | undefined
  #abandon: (() => void) | undefined
  #ending: Promise<void> | undefined
  /** An end of the running child is under way; called when it has ended. */
  #onEnded: (() => void) | undefined

  /** `onExit`: it ended by itself. */
  constructor(
    system: ActorSystem,
    options: { spec: ChildSpec; path: string; turns: Turns; resetMs: number },
    onExit: (reason: ExitReason) => void,
  ) {
    this.#system = system
    this.spec = options.spec
    this.path = options.path
    this.turns = options.turns
    this.#resetMs = options.resetMs
    this.#onExit = onExit
  }

  get restart(): Restart {
    return this.spec.restart
  }

  get running(): RunningChild | undefined {
    return this.#running
  }

  get failuresInARow(): number {
    return this.#failuresInARow
  }

  get lastReason(): ExitReason | undefined {
    return this.#lastExit?.reason
  }

  /** Rejects when the child failed to start. `abandoned`: it was ended or killed meanwhile, and that was no failure. */
  start(): Promise<StartOutcome> {
    this.status = 'starting'
    this.#starting = this.#bringUp()
    return this.#starting
  }

  async #bringUp(): Promise<StartOutcome> {
    const abandoned = Promise.withResolvers<'abandoned'>()
    // Beside the promise: a kill may come when the race is decided and nobody has heard of it.
    let isAbandoned = false
    this.#abandon = () => {
      isAbandoned = true
      abandoned.resolve('abandoned')
    }
    const start = (async () => this.spec.start())()
    try {
      const started = await Promise.race([start, abandoned.promise])
      if (started === 'abandoned' || isAbandoned) {
        start.then(killLate, () => {})
        this.status = 'ended'
        return 'abandoned'
      }
      if (started === 'ignore') {
        this.status = 'ignored'
        return 'ignore'
      }
      this.#nowRuns(started)
      return started
    } catch (cause) {
      this.status = 'ended'
      if (this.#ending !== undefined) return 'abandoned'
      this.#lastExit = { reason: exitByError(cause), atMs: this.#system.now() }
      throw cause
    } finally {
      this.#starting = undefined
      this.#abandon = undefined
    }
  }

  #nowRuns(running: RunningChild): void {
    this.status = 'running'
    this.#running = running
    this.#startedAtMs = this.#system.now()
    void running.exited.then((reason) => {
      this.#running = undefined
      const atMs = this.#system.now()
      this.#lastExit = { reason, atMs }
      if (atMs - this.#startedAtMs >= this.#resetMs) this.#failuresInARow = 0
      const onEnded = this.#onEnded
      this.#onEnded = undefined
      this.status = onEnded ? 'ended' : 'exited'
      if (onEnded) {
        this.#reportEnd(reason)
        onEnded()
      } else if (this.#ending === undefined) this.#onExit(reason)
    })
  }

  /** It is started again later: counts. */
  willRestart(): void {
    this.status = 'restarting'
    this.#restarts++
    this.#failuresInARow++
  }

  /**
   * As its spec says: in an orderly way within its shutdown time, killed when that is over. A start under way gets that
   * time to come up, and is then given up. Whatever it was before, it has ended after this.
   */
  end(): Promise<void> {
    this.#ending ??= this.#end().finally(() => {
      this.#ending = undefined
    })
    return this.#ending
  }

  async #end(): Promise<void> {
    if (this.#starting !== undefined) await this.#endStart(this.#starting)
    if (this.#running) {
      const { shutdown } = this.spec
      const timer = typeof shutdown === 'number' ? setTimeout(() => this.kill(), shutdown) : undefined
      await new Promise<void>((ended) => this.beginEnd(ended))
      clearTimeout(timer)
    }
    this.status = 'ended'
  }

  /** Of a child that runs: tells it to end, or kills it where its spec says so. Its time is the caller's to watch. */
  beginEnd(onEnded: () => void): void {
    this.status = 'stopping'
    const before = this.#onEnded
    this.#onEnded = () => {
      before?.()
      onEnded()
    }
    if (this.spec.shutdown === 'brutal_kill') this.#running?.kill()
    else this.#running?.stop()
  }

  #reportEnd(reason: ExitReason): void {
    if (isOrderly(reason) || this.spec.shutdown === 'brutal_kill') return
    this.#system.log.warn({ actor: this.path, reason: describeExit(reason) }, 'did not end in an orderly way')
  }

  async #endStart(starting: Promise<StartOutcome>): Promise<void> {
    const { shutdown } = this.spec
    if (shutdown === 'brutal_kill') this.#giveUpStart()
    else this.spec.cancelStart?.('stop')
    const timer = typeof shutdown === 'number' ? setTimeout(() => this.#giveUpStart(), shutdown) : undefined
    await starting.catch(() => {})
    clearTimeout(timer)
  }

  kill(): void {
    this.#giveUpStart()
    this.#running?.kill()
  }

  #giveUpStart(): void {
    if (!this.#abandon) return
    this.#abandon()
    this.spec.cancelStart?.('kill')
  }

  view(): Record<string, unknown> {
    return {
      path: this.path,
      status: this.status,
      restart: this.spec.restart,
      restarts: this.#restarts,
      ...(this.#lastExit && { lastExit: viewExit(this.#lastExit) }),
      ...this.spec.inspect(),
    }
  }
}

function killLate(started: RunningChild | 'ignore'): void {
  if (started !== 'ignore') started.kill()
}

function viewExit({ reason, atMs }: { reason: ExitReason; atMs: number }): Record<string, unknown> {
  const stack = 'error' in reason ? reason.error.stack : undefined
  return {
    reason: describeExit(reason),
    at: new Date(atMs).toISOString(),
    ...(stack !== undefined && { stack }),
  }
}

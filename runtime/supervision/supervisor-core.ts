import type { ActorSystem } from '../actor/actor-system.ts'
import { describeExit, type ExitReason, KILLED, SHUTDOWN, toError } from '../actor/exit-reason.ts'
import { BOUNDS } from '../config/bounds.ts'
import { type BackoffBounds, backoffMs } from '../overload/backoff.ts'
import { type ChildSpec, type ChildView, type RunningChild, shouldRestart } from './child-spec.ts'
import { planRestart, type Strategy } from './group-restart.ts'
import { PendingRestarts } from './pending-restarts.ts'
import { addRestart, type RestartIntensity, type RestartWindow, within } from './restart-window.ts'
import { SupervisedChild } from './supervised-child.ts'
import { SupervisorError } from './supervisor-error.ts'
import { Turns } from './turns.ts'
import { checkChildSpec, checkFlags } from './validate.ts'

/**
 * What `Supervisor` and `DynamicSupervisor` have in common: children that end are restarted or forgotten, the restart
 * budget, the supervisor's own end, what can be asked of it. The contract is in their files.
 *
 * Decisions are made in turns, as an OTP supervisor handles its messages. Children that restart by themselves have turns
 * of their own, so that a start which takes long holds up nobody else; children that restart as a group share theirs. Not
 * in turn are `stop` and `kill`, which nothing holds up, and all that only reads.
 */
export interface SupervisorFlags {
  path: string
  /** More restarts than `intensity` within `periodMs`, and it gives up. */
  intensity?: RestartIntensity
  /** The wait before a restart: it grows from `minMs` with each, jittered, until the child stays up for `resetMs`. */
  backoff?: Backoff
}

type Backoff = BackoffBounds & { resetMs: number }

const { restartsMax, restartPeriodMs, restartDelayMinMs, restartDelayMaxMs, restartResetMs } = BOUNDS.kernel
const DEFAULT_INTENSITY: RestartIntensity = { intensity: restartsMax, periodMs: restartPeriodMs }
const DEFAULT_BACKOFF = { minMs: restartDelayMinMs, maxMs: restartDelayMaxMs, resetMs: restartResetMs }

/** As `which_children` tells it: the running child, that it is being restarted, or that it does not run. */
export interface ChildEntry {
  id: string
  child: RunningChild | 'restarting' | undefined
  type: 'worker' | 'supervisor'
}

export interface ChildCounts {
  /** All children, whether they run or not. */
  specs: number
  /** Those that run. */
  active: number
  /** Whether they run or not. */
  supervisors: number
  workers: number
}

export abstract class SupervisorCore implements RunningChild {
  readonly path: string
  protected readonly system: ActorSystem
  /** In start order. */
  protected readonly children = new Map<string, SupervisedChild>()
  /** No more starts and restarts: an end is under way, or over. */
  protected isEnding = false
  readonly #strategy: Strategy
  readonly #intensity: RestartIntensity
  readonly #backoff: Backoff
  readonly #up: PromiseWithResolvers<void> = Promise.withResolvers()
  readonly #exited: PromiseWithResolvers<ExitReason> = Promise.withResolvers()
  readonly #groupTurns: Turns
  readonly #pending = new PendingRestarts<SupervisedChild>((group) => this.#restartNow(group))
  #window: RestartWindow = []
  #isEnded = false

  constructor(system: ActorSystem, strategy: Strategy, flags: SupervisorFlags) {
    this.path = flags.path
    this.system = system
    this.#strategy = strategy
    this.#intensity = flags.intensity ?? DEFAULT_INTENSITY
    this.#backoff = flags.backoff ?? DEFAULT_BACKOFF
    checkFlags(this.path, { strategy, intensity: this.#intensity, backoff: this.#backoff })
    this.#groupTurns = new Turns(this.#up.promise)
  }

  /** Resolves when it is up. Rejects when it cannot come up, with nothing left running. */
  abstract start(): Promise<void>

  /** Ends all children as their specs say, in the order of this kind of supervisor. */
  protected abstract endChildren(): Promise<void>

  /** Whether the spec of a child that has ended stays. */
  protected abstract keepsSpec(child: SupervisedChild): boolean

  get exited(): Promise<ExitReason> {
    return this.#exited.promise
  }

  stop(): void {
    if (!this.isEnding) this.#orDie(this.end())
  }

  /** At once: children are killed, starts under way given up. */
  kill(): void {
    for (const child of this.children.values()) child.kill()
    this.#finish(KILLED)
  }

  /** The running child of that path anywhere below. */
  find(path: string): RunningChild | undefined {
    if (!path.startsWith(`${this.path}/`)) return undefined
    const [id = '', ...below] = path.slice(this.path.length + 1).split('/')
    const child = this.children.get(id)
    return below.length === 0 ? child?.running : child?.spec.find?.(path)
  }

  whichChildren(): ChildEntry[] {
    return [...this.children].map(([id, { status, running, spec }]) => ({
      id,
      child: status === 'restarting' ? status : running,
      type: spec.type ?? 'worker',
    }))
  }

  countChildren(): ChildCounts {
    const counts: ChildCounts = { specs: this.children.size, active: 0, supervisors: 0, workers: 0 }
    for (const { running, spec } of this.children.values()) {
      if (running) counts.active++
      counts[spec.type === 'supervisor' ? 'supervisors' : 'workers']++
    }
    return counts
  }

  inspect(): ChildView {
    const { intensity, periodMs } = this.#intensity
    const used = within(this.#window, this.system.now(), periodMs).length
    return {
      type: 'supervisor',
      strategy: this.#strategy,
      budget: { used, intensity, periodMs },
      children: Array.from(this.children.values(), (child) => child.view()),
    }
  }

  /** From now on it answers. */
  protected isUp(): void {
    this.#up.resolve()
  }

  protected add(spec: ChildSpec): SupervisedChild {
    const child: SupervisedChild = new SupervisedChild(
      this.system,
      {
        spec,
        path: `${this.path}/${spec.id}`,
        turns: this.#strategy === 'one_for_one' ? new Turns(this.#up.promise) : this.#groupTurns,
        resetMs: this.#backoff.resetMs,
      },
      (reason) => this.#inTurn(child, () => this.#onExit(child, reason)),
    )
    this.children.set(spec.id, child)
    return child
  }

  /** The spec of a child that is to be added; its errors name it. */
  protected checkNew(spec: ChildSpec): void {
    checkChildSpec(this.path, spec)
    if (this.isEnding) throw this.refusal('noproc', spec.id)
  }

  /** In the turns that a child of this supervisor has before there is one. */
  protected inTurnOfNew<Result>(step: () => Promise<Result>): Promise<Result> {
    return this.#strategy === 'one_for_one' ? this.#up.promise.then(step) : this.#groupTurns.take(step)
  }

  /** Starts a child for a caller, whom its failure fails; there is nothing left of it then but its spec. */
  protected async startFor(child: SupervisedChild): Promise<RunningChild | 'ignore'> {
    const { id } = child.spec
    let outcome: Awaited<ReturnType<SupervisedChild['start']>>
    try {
      outcome = await child.start()
    } catch (cause) {
      child.spec.close()
      throw this.startFailure(id, cause)
    }
    if (outcome === 'abandoned') throw this.startFailure(id, new Error('it was ended while it started'))
    return outcome
  }

  /** Ends a child for a caller, a start under way too, and what waits for its restart. */
  protected async endFor(child: SupervisedChild): Promise<void> {
    if (child.status === 'starting') this.#orDie(child.end())
    await child.turns.take(async () => {
      if (!this.isOurs(child)) return
      this.#pending.remove(child)
      await child.end()
      this.retire(child)
    })
  }

  /** It has ended and is not restarted. */
  protected retire(child: SupervisedChild): void {
    child.status = 'ended'
    if (this.keepsSpec(child)) child.spec.close()
    else this.forget(child)
  }

  protected forget(child: SupervisedChild): void {
    this.#pending.remove(child)
    if (this.isOurs(child)) this.children.delete(child.spec.id)
    child.spec.close()
  }

  protected isOurs(child: SupervisedChild): boolean {
    return this.children.get(child.spec.id) === child
  }

  protected childOf(id: string): SupervisedChild {
    if (this.isEnding) throw this.refusal('noproc', id)
    const child = this.children.get(id)
    if (!child) throw this.refusal('not_found', id)
    return child
  }

  protected refusal(code: SupervisorError['code'], id: string): SupervisorError {
    return new SupervisorError(code, this.path, id)
  }

  protected startFailure(id: string, cause: unknown): SupervisorError {
    return new SupervisorError('start_failed', this.path, id, { detail: toError(cause).message, cause })
  }

  /** Orderly; needs no turn, so that no start under way can hold it up for longer than that child may take to stop. */
  protected async end(): Promise<void> {
    this.isEnding = true
    this.#pending.clear()
    await this.endChildren()
    this.#finish(SHUTDOWN)
  }

  #finish(reason: ExitReason): void {
    if (this.#isEnded) return
    this.isEnding = true
    this.#isEnded = true
    this.#pending.clear()
    try {
      for (const { spec } of this.children.values()) spec.close()
    } finally {
      this.#up.resolve()
      this.#exited.resolve(reason)
    }
  }

  #inTurn(child: SupervisedChild, step: () => Promise<void>): void {
    this.#orDie(child.turns.take(step))
  }

  /** For what nobody waits for. A throw in it is a bug of these files: the supervisor dies, its parent decides. */
  #orDie(work: Promise<void>): void {
    work.catch((cause) => {
      this.system.log.fatal({ actor: this.path, err: toError(cause) }, 'supervisor failed')
      this.kill()
    })
  }

  async #onExit(child: SupervisedChild, reason: ExitReason): Promise<void> {
    // Its turn may come late: a group restart took it along, or somebody ended it.
    if (this.isEnding || child.status !== 'exited') return
    if (shouldRestart(child.restart, reason)) await this.#restart(child, 'ended')
    else this.retire(child)
  }

  /** Counts a restart; then ends what the failed child takes along, and starts it all after the back-off. */
  async #restart(failed: SupervisedChild, how: 'ended' | 'failed to start'): Promise<void> {
    failed.willRestart()
    if (this.#isBudgetSpent(how)) {
      const { intensity, periodMs } = this.#intensity
      this.system.log.error(
        { actor: this.path, child: failed.spec.id, intensity, periodMs },
        'restart budget spent',
      )
      await this.end()
      return
    }
    const { stop, forget, start } = planRestart(this.#strategy, this.children.values(), failed)
    for (const child of stop) {
      await child.end()
      if (this.isEnding) return
    }
    for (const child of forget) this.forget(child)
    for (const child of start) {
      child.status = 'restarting'
      // What a group had to say to each other means nothing to its next generation.
      if (this.#strategy !== 'one_for_one') child.spec.close()
    }
    const { failuresInARow, lastReason: reason, path } = failed
    const delayMs = backoffMs(failuresInARow, this.#backoff, this.system.random)
    this.system.log.warn({ actor: path, reason: reason && describeExit(reason), delayMs }, 'restarting')
    this.#pending.schedule(start, delayMs)
  }

  #isBudgetSpent(how: 'ended' | 'failed to start'): boolean {
    if (this.#intensity.failedStartsOnly && how === 'ended') return false
    const { window, exceeded } = addRestart(this.#window, this.system.now(), this.#intensity)
    this.#window = window
    return exceeded
  }

  #restartNow(group: ReadonlySet<SupervisedChild>): void {
    const inOrder =
      group.size === 1 ? [...group] : [...this.children.values()].filter((child) => group.has(child))
    const [first] = inOrder
    if (first) this.#inTurn(first, () => this.#startAgain(inOrder))
  }

  async #startAgain(children: readonly SupervisedChild[]): Promise<void> {
    for (const child of children) {
      if (this.isEnding) return
      // A later failure may have taken it along meanwhile: then it waits for the restart of that group.
      if (child.status !== 'restarting' || !this.isOurs(child) || this.#pending.has(child)) continue
      try {
        const outcome = await child.start()
        if (outcome === 'ignore' && !this.keepsSpec(child)) this.forget(child)
      } catch {
        if (!this.isEnding) await this.#restart(child, 'failed to start')
        return
      }
    }
  }
}

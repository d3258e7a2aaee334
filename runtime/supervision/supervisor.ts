import type { ActorSystem } from '../actor/actor-system.ts'
import { describeExit, type ExitReason, KILLED, SHUTDOWN, toError } from '../actor/exit-reason.ts'
import { BOUNDS } from '../config/bounds.ts'
import { backoffMs } from '../overload/backoff.ts'
import { type ChildSpec, type ChildView, type RunningChild, shouldRestart } from './child-spec.ts'
import { addRestart, type RestartIntensity, type RestartWindow, within } from './restart-window.ts'
import { endWithin } from './shutdown.ts'

/**
 * An OTP supervisor: starts its children in order, restarts those that end, stops them in reverse order.
 *
 * Contract (https://www.erlang.org/doc/apps/stdlib/supervisor.html):
 * - a child that fails to start at first fails the supervisor's own start; those started before are stopped again
 * - `one_for_one` restarts the child that ended; `one_for_all` stops and restarts all; `rest_for_one` those after it
 * - more than `intensity` restarts within `periodMs` stop all children, and the supervisor exits with `shutdown`: its own
 *   parent decides
 * - a restart that fails counts as a restart and is tried again, while the supervisor goes on answering
 *
 * Beyond OTP, restarts wait a jittered exponential back-off, reset after `resetMs` without an exit.
 *
 * All changes of state run one after the other, through `#serially`; `inspect` reads at any time.
 */
export type Strategy = 'one_for_one' | 'one_for_all' | 'rest_for_one'

export interface SupervisorOptions {
  path: string
  strategy: Strategy
  children: readonly ChildSpec[]
  intensity?: RestartIntensity
  backoff?: { minMs: number; maxMs: number; resetMs: number }
}

const { restartsMax, restartPeriodMs, restartDelayMinMs, restartDelayMaxMs, restartResetMs } = BOUNDS.kernel
const DEFAULT_INTENSITY: RestartIntensity = { intensity: restartsMax, periodMs: restartPeriodMs }
const DEFAULT_BACKOFF = { minMs: restartDelayMinMs, maxMs: restartDelayMaxMs, resetMs: restartResetMs }

type Status = 'waiting' | 'starting' | 'running' | 'stopping' | 'restarting' | 'ended'

interface Entry {
  spec: ChildSpec
  status: Status
  running: RunningChild | undefined
  restarts: number
  /** Exits since the child was last up for `resetMs`: the exponent of its back-off. */
  failuresInARow: number
  startedAtMs: number
  lastExit: { reason: ExitReason; atMs: number } | undefined
  /** The back-off it waits out; shared by the group that restarts together. */
  backoffTimer: NodeJS.Timeout | undefined
}

export class Supervisor implements RunningChild {
  readonly path: string
  readonly #system: ActorSystem
  readonly #strategy: Strategy
  readonly #intensity: RestartIntensity
  readonly #backoff: { minMs: number; maxMs: number; resetMs: number }
  readonly #entries: Entry[]
  readonly #exited: PromiseWithResolvers<ExitReason> = Promise.withResolvers()
  #window: RestartWindow = []
  #queue: Promise<void> = Promise.resolve()
  /** No more restarts: an end is under way. */
  #ending = false
  #ended = false

  constructor(system: ActorSystem, options: SupervisorOptions) {
    this.path = options.path
    this.#system = system
    this.#strategy = options.strategy
    this.#intensity = options.intensity ?? DEFAULT_INTENSITY
    this.#backoff = options.backoff ?? DEFAULT_BACKOFF
    this.#entries = options.children.map((spec) => ({
      spec,
      status: 'waiting',
      running: undefined,
      restarts: 0,
      failuresInARow: 0,
      startedAtMs: 0,
      lastExit: undefined,
      backoffTimer: undefined,
    }))
    const ids = options.children.map(({ id }) => id)
    const twice = ids.find((id, index) => ids.indexOf(id) !== index)
    if (twice !== undefined)
      throw new Error(`supervisor ${this.path}: child id ${JSON.stringify(twice)} is given twice`)
  }

  get exited(): Promise<ExitReason> {
    return this.#exited.promise
  }

  /** Starts the children in order. Rejects with the first failure, after stopping what had been started. */
  start(): Promise<void> {
    return this.#serially(async () => {
      for (const entry of this.#entries) {
        if (this.#ending) throw new Error(`${this.path} was stopped while it started`)
        try {
          await this.#startChild(entry)
        } catch (cause) {
          await this.#end(SHUTDOWN)
          throw new Error(`${this.path}/${entry.spec.id} did not start: ${toError(cause).message}`, { cause })
        }
      }
    })
  }

  stop(): void {
    if (this.#ending) return
    this.#ending = true
    this.#later(() => this.#end(SHUTDOWN))
  }

  kill(): void {
    this.#ending = true
    for (const entry of this.#entries) entry.running?.kill()
    this.#finish(KILLED)
  }

  inspect(): ChildView {
    const used = within(this.#window, this.#system.now(), this.#intensity.periodMs).length
    return {
      type: 'supervisor',
      strategy: this.#strategy,
      budget: { used, ...this.#intensity },
      children: this.#entries.map((entry) => ({
        path: `${this.path}/${entry.spec.id}`,
        status: entry.status,
        restart: entry.spec.restart,
        restarts: entry.restarts,
        ...(entry.lastExit && { lastExit: viewExit(entry.lastExit) }),
        ...entry.spec.inspect(),
      })),
    }
  }

  #serially(step: () => Promise<void>): Promise<void> {
    const done = this.#queue.then(step)
    this.#queue = done.catch(() => {})
    return done
  }

  /** A step nobody waits for. A throw in it is a bug of this file: the supervisor dies, its parent decides. */
  #later(step: () => Promise<void>): void {
    this.#serially(step).catch((cause) => {
      this.#system.log.fatal({ actor: this.path, err: toError(cause) }, 'supervisor failed')
      this.kill()
    })
  }

  async #startChild(entry: Entry): Promise<void> {
    entry.status = 'starting'
    const running = await entry.spec.start()
    entry.status = 'running'
    entry.running = running
    entry.startedAtMs = this.#system.now()
    void running.exited.then((reason) => this.#later(() => this.#onExit(entry, running, reason)))
    if (this.#ended) running.kill()
  }

  async #onExit(entry: Entry, running: RunningChild, reason: ExitReason): Promise<void> {
    if (entry.running !== running) return
    this.#noteExit(entry, reason)
    if (this.#ending) return
    if (shouldRestart(entry.spec.restart, reason)) await this.#restart(entry)
    else {
      entry.status = 'ended'
      entry.spec.close()
    }
  }

  #noteExit(entry: Entry, reason: ExitReason): void {
    const nowMs = this.#system.now()
    entry.running = undefined
    entry.lastExit = { reason, atMs: nowMs }
    if (nowMs - entry.startedAtMs >= this.#backoff.resetMs) entry.failuresInARow = 0
  }

  /** Counts a restart of `entry`; then stops its group by the strategy, and starts it again after the back-off. */
  async #restart(entry: Entry): Promise<void> {
    const { window, exceeded } = addRestart(this.#window, this.#system.now(), this.#intensity)
    this.#window = window
    entry.restarts++
    entry.failuresInARow++
    if (exceeded) {
      this.#system.log.error(
        { actor: this.path, child: entry.spec.id, ...this.#intensity },
        'restart budget spent',
      )
      this.#ending = true
      await this.#end(SHUTDOWN)
      return
    }
    const group = this.#groupOf(entry)
    await this.#stopChildren(group.filter((member) => member !== entry))
    // What a group had to say to each other means nothing to its next generation.
    if (this.#strategy !== 'one_for_one') for (const { spec } of group) spec.close()
    const delayMs = backoffMs(entry.failuresInARow, this.#backoff, this.#system.random)
    this.#system.log.warn(
      {
        actor: `${this.path}/${entry.spec.id}`,
        reason: entry.lastExit && describeExit(entry.lastExit.reason),
        delayMs,
      },
      'restarting',
    )
    const timer = setTimeout(() => this.#later(() => this.#startGroup(group)), delayMs)
    for (const member of group) {
      member.status = 'restarting'
      // A smaller group that waited already now restarts with, and after, this one.
      clearTimeout(member.backoffTimer)
      member.backoffTimer = timer
    }
  }

  /** The children that one's end takes with it, itself included, in start order; those that ended for good stay so. */
  #groupOf(entry: Entry): Entry[] {
    const from = this.#strategy === 'one_for_all' ? 0 : this.#entries.indexOf(entry)
    const group = this.#strategy === 'one_for_one' ? [entry] : this.#entries.slice(from)
    return group.filter((member) => member === entry || member.status !== 'ended')
  }

  async #startGroup(group: readonly Entry[]): Promise<void> {
    for (const entry of group) {
      if (this.#ending || entry.status !== 'restarting') continue
      try {
        await this.#startChild(entry)
      } catch (cause) {
        this.#noteExit(entry, { kind: 'error', error: toError(cause) })
        entry.status = 'restarting'
        await this.#restart(entry)
        return
      }
    }
  }

  async #stopChildren(entries: readonly Entry[]): Promise<void> {
    for (const entry of entries.toReversed()) {
      const { running } = entry
      if (!running) continue
      entry.status = 'stopping'
      const reason = await endWithin(running, entry.spec.shutdown)
      if (entry.running !== running) continue
      this.#noteExit(entry, reason)
      entry.status = entry.spec.restart === 'temporary' ? 'ended' : 'waiting'
    }
  }

  async #end(reason: ExitReason): Promise<void> {
    this.#ending = true
    await this.#stopChildren(this.#entries)
    this.#finish(reason)
  }

  #finish(reason: ExitReason): void {
    this.#ended = true
    for (const { backoffTimer, spec } of this.#entries) {
      clearTimeout(backoffTimer)
      spec.close()
    }
    this.#exited.resolve(reason)
  }
}

function viewExit({ reason, atMs }: { reason: ExitReason; atMs: number }): Record<string, unknown> {
  const stack = 'error' in reason ? reason.error.stack : undefined
  return {
    reason: describeExit(reason),
    at: new Date(atMs).toISOString(),
    ...(stack !== undefined && { stack }),
  }
}

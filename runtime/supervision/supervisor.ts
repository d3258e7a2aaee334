import type { ActorSystem } from '../actor/actor-system.ts'
import type { ChildSpec, RunningChild } from './child-spec.ts'
import type { Strategy } from './group-restart.ts'
import type { SupervisedChild } from './supervised-child.ts'
import { SupervisorCore, type SupervisorFlags } from './supervisor-core.ts'
import { checkChildSpec, checkIds } from './validate.ts'

/**
 * An OTP supervisor: starts its children in order, restarts those that end, stops them in reverse order.
 *
 * Contract (https://www.erlang.org/doc/apps/stdlib/supervisor.html; `supervisor.erl` where that says nothing):
 * - a child that fails to start at first fails the supervisor's own start; those started before are stopped again
 * - `one_for_one` restarts the child that ended; `one_for_all` stops and restarts all; `rest_for_one` it and those after
 *   it. A temporary child that is taken along is not started again, its spec is forgotten
 * - more than `intensity` restarts within `periodMs` stop all children, and the supervisor exits with `shutdown`: its own
 *   parent decides
 * - a restart that fails counts as a restart and is tried again, while the supervisor goes on answering
 * - each child has its shutdown time to stop in, and is killed when that is over
 * - children can be added, terminated, restarted and deleted at run time
 *
 * Beyond OTP, restarts wait a jittered exponential back-off. `significant` and `autoShutdown` are left out on purpose: no
 * part of a node ends because one of its children has done its work.
 *
 * Where Node forces a difference: a start is asynchronous, so `stop` gives a start under way the child's shutdown time, and
 * `kill` gives it up at once; what comes up all the same is killed. A handler that does not return cannot be interrupted,
 * so a killed actor is fenced instead. A start of one child holds up no other under `one_for_one`.
 */
export interface SupervisorOptions extends SupervisorFlags {
  strategy: Strategy
  children: readonly ChildSpec[]
}

export class Supervisor extends SupervisorCore {
  constructor(system: ActorSystem, options: SupervisorOptions) {
    super(system, options.strategy, options)
    for (const [index, spec] of options.children.entries()) checkChildSpec(this.path, spec, index + 1)
    checkIds(
      this.path,
      options.children.map(({ id }) => id),
    )
    for (const spec of options.children) this.add(spec)
  }

  /** Starts the children in order. Rejects with the first failure, after stopping what had been started. */
  override async start(): Promise<void> {
    for (const child of [...this.children.values()]) {
      if (this.isEnding) break
      try {
        const outcome = await child.start()
        if (outcome === 'ignore' && !this.keepsSpec(child)) this.forget(child)
      } catch (cause) {
        if (this.isEnding) break
        await this.end()
        throw this.startFailure(child.spec.id, cause)
      }
    }
    if (this.isEnding) {
      await this.exited
      throw new Error(`${this.path} was ended while it started`)
    }
    this.isUp()
  }

  /**
   * Adds a child at the end of the start order and starts it. A start that fails fails the caller and leaves no spec.
   * Rejects with `already_started`, or `already_present` when there is such a child that does not run.
   */
  async startChild(spec: ChildSpec): Promise<RunningChild | 'ignore'> {
    this.checkNew(spec)
    return this.inTurnOfNew(async () => {
      this.checkNew(spec)
      const present = this.children.get(spec.id)
      if (present) throw this.refusal(doesRun(present) ? 'already_started' : 'already_present', spec.id)
      const child = this.add(spec)
      try {
        const started = await this.startFor(child)
        if (started === 'ignore' && !this.keepsSpec(child)) this.forget(child)
        return started
      } catch (cause) {
        if (!this.isEnding) this.forget(child)
        throw cause
      }
    })
  }

  /**
   * Ends a child as its spec says, also one whose start or restart is under way. Its spec stays, unless it is temporary:
   * it can be restarted later, by `restartChild` or by a restart of its group.
   */
  async terminateChild(id: string): Promise<void> {
    await this.endFor(this.childOf(id))
  }

  /** Starts a child that has ended. Rejects with `running` or `restarting` where it has not, or with its failure to start. */
  async restartChild(id: string): Promise<RunningChild | 'ignore'> {
    return this.childOf(id).turns.take(() => this.startFor(this.#atRest(id)))
  }

  /** Forgets the spec of a child that has ended. Rejects with `running` or `restarting` where it has not. */
  async deleteChild(id: string): Promise<void> {
    await this.childOf(id).turns.take(async () => this.forget(this.#atRest(id)))
  }

  protected override keepsSpec({ restart }: SupervisedChild): boolean {
    return restart !== 'temporary'
  }

  protected override async endChildren(): Promise<void> {
    for (const child of [...this.children.values()].reverse()) await child.end()
  }

  #atRest(id: string): SupervisedChild {
    const child = this.childOf(id)
    if (child.status === 'restarting') throw this.refusal('restarting', id)
    if (doesRun(child)) throw this.refusal('running', id)
    return child
  }
}

const AT_REST = ['waiting', 'ended', 'ignored']
const doesRun = ({ status }: SupervisedChild): boolean => status !== 'restarting' && !AT_REST.includes(status)

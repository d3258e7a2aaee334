import type { ActorSystem } from '../actor/actor-system.ts'
import type { ChildSpec, RunningChild } from './child-spec.ts'
import { endTogether } from './end-together.ts'
import { SupervisorCore, type SupervisorFlags } from './supervisor-core.ts'
import { checkMaxChildren } from './validate.ts'

/**
 * A supervisor of children that come and go: Elixir's `DynamicSupervisor`, which is OTP's `simple_one_for_one`.
 *
 * Contract, where it differs from `Supervisor`:
 * - it starts without children; `startChild` adds them, at most `maxChildren`, those that start or wait for their restart
 *   included
 * - always `one_for_one`: children know nothing of each other, and have no order
 * - a child that ends and is not restarted is forgotten, and so is one that is terminated or that ignores its start:
 *   nothing can be restarted or deleted by hand
 * - when it stops, all children stop at once, each within its own shutdown time
 *
 * Nothing here takes longer for a child because there are many, save what lists them.
 */
export interface DynamicSupervisorOptions extends SupervisorFlags {
  maxChildren: number
}

export class DynamicSupervisor extends SupervisorCore {
  readonly #maxChildren: number

  constructor(system: ActorSystem, options: DynamicSupervisorOptions) {
    super(system, 'one_for_one', options)
    checkMaxChildren(this.path, options)
    this.#maxChildren = options.maxChildren
    this.isUp()
  }

  override async start(): Promise<void> {}

  /**
   * Adds a child and starts it. A start that fails fails the caller and leaves nothing behind. Rejects with
   * `already_started`, `already_present` when a child of that id waits for its restart, or `max_children`.
   */
  async startChild(spec: ChildSpec): Promise<RunningChild | 'ignore'> {
    this.checkNew(spec)
    const present = this.children.get(spec.id)
    if (present)
      throw this.refusal(present.status === 'restarting' ? 'already_present' : 'already_started', spec.id)
    if (this.children.size >= this.#maxChildren) throw this.refusal('max_children', spec.id)
    const child = this.add(spec)
    try {
      const started = await this.startFor(child)
      if (started === 'ignore') this.forget(child)
      return started
    } catch (cause) {
      if (!this.isEnding) this.forget(child)
      throw cause
    }
  }

  /** Ends a child as its spec says, also one whose start or restart is under way, and forgets it. */
  async terminateChild(id: string): Promise<void> {
    await this.endFor(this.childOf(id))
  }

  protected override keepsSpec(): boolean {
    return false
  }

  protected override endChildren(): Promise<void> {
    return endTogether([...this.children.values()], this.system.messagesPerTurn)
  }
}

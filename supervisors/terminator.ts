import type { Behaviour } from '../runtime/actor/actor.ts'

/**
 * Drains its siblings before they are stopped, as Broadway's terminator does: the last child of its supervisor, so the
 * first to stop. Each step waits for the one before. Only when the node stops: in a restart of the group some of those
 * siblings are dead, and what was asked of them would reach their successors.
 */
export class Terminator implements Behaviour<never> {
  readonly #steps: readonly (() => Promise<void>)[]

  readonly #isStopping: () => boolean

  constructor(steps: readonly (() => Promise<void>)[], isStopping: () => boolean) {
    this.#steps = steps
    this.#isStopping = isStopping
  }

  receive(): void {}

  async terminate(): Promise<void> {
    if (!this.#isStopping()) return
    for (const step of this.#steps) await step()
  }
}

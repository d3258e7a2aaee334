import type { Behaviour } from '../runtime/actor/actor.ts'
import { type ExitReason, isOrderly } from '../runtime/actor/exit-reason.ts'

/**
 * Drains its siblings before they are stopped, as Broadway's terminator does: the last child of its supervisor, so the
 * first to stop. Each step waits for the one before; after a crash there is nothing orderly left to do.
 */
export class Terminator implements Behaviour<never> {
  readonly #steps: readonly (() => Promise<void>)[]

  constructor(steps: readonly (() => Promise<void>)[]) {
    this.#steps = steps
  }

  receive(): void {}

  async terminate(reason: ExitReason): Promise<void> {
    if (!isOrderly(reason)) return
    for (const step of this.#steps) await step()
  }
}

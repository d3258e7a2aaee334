import type { ActorContext, Behaviour } from '../../../../runtime/actor/actor.ts'
import { ActorCell } from '../../../../runtime/actor/actor-cell.ts'
import type { ActorSystem } from '../../../../runtime/actor/actor-system.ts'
import { testSystem } from '../../../support/test-system.ts'

/** Actors of one system whose behaviour is given as a function of their context. */
export class Actors {
  readonly system: ActorSystem

  constructor(now?: () => number) {
    this.system = testSystem(now)
  }

  cell<Message>(
    name: string,
    create: (self: ActorContext<Message>) => Behaviour<Message>,
    { capacity = 10, stash = 10 } = {},
  ): ActorCell<Message> {
    return new ActorCell(this.system, `/test/${name}`, capacity, create, undefined, stash)
  }

  async started<Message>(
    name: string,
    create: (self: ActorContext<Message>) => Behaviour<Message>,
    bounds?: { capacity?: number; stash?: number },
  ): Promise<ActorCell<Message>> {
    const cell = this.cell(name, create, bounds)
    await cell.start()
    return cell
  }

  get counts(): { count: number; fenced: number; lateAnswers: number } {
    const { count, fenced, lateAnswers } = this.system.deadLetters.inspect()
    return { count, fenced, lateAnswers }
  }
}

/** Every message that may be handled by now has been, and what follows of it by promises alone. */
export const settled = (): Promise<void> => new Promise(setImmediate)

/** One message, as a function of who handles it. */
export type Step = (self: ActorContext<Step>) => void | Promise<void>

/** An actor that does what its messages say. */
export const puppet = (self: ActorContext<Step>): Behaviour<Step> => ({ receive: (step) => step(self) })

export const idle = (): Behaviour<unknown> => ({ receive: () => {} })

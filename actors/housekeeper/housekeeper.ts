import type { ActorContext, Behaviour } from '../../runtime/actor/actor.ts'

/** Regular chores that are nobody's hot path: retention of the log and of the job table. One at a time, in order. */
export interface Chore {
  name: string
  run(nowMs: number): Promise<void>
}

export class Housekeeper implements Behaviour<{ type: 'round' }> {
  readonly #chores: readonly Chore[]
  readonly #everyMs: number
  readonly #now: () => number
  #self: ActorContext<{ type: 'round' }> | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(chores: readonly Chore[], everyMs: number, now: () => number) {
    this.#chores = chores
    this.#everyMs = everyMs
    this.#now = now
  }

  init(self: ActorContext<{ type: 'round' }>): void {
    this.#self = self
    this.#timer = setInterval(() => self.self.tell({ type: 'round' }), this.#everyMs)
  }

  /** A chore that fails is logged and tried again in the next round; the others do not suffer. */
  async receive(): Promise<void> {
    for (const { name, run } of this.#chores) {
      try {
        await run(this.#now())
      } catch (err) {
        this.#self?.log.warn({ err, chore: name }, 'a chore failed, will be tried again')
      }
    }
  }

  terminate(): void {
    clearInterval(this.#timer)
  }
}

import type { ActorContext, Behaviour } from '../../runtime/actor/actor.ts'

/** Regular chores that are nobody's hot path: retention of the log and of the job table. One at a time, in order. */
export interface Chore {
  name: string
  everyMs: number
  run(nowMs: number): Promise<void>
}

export type HousekeeperMessage = { type: 'round' }

export class Housekeeper implements Behaviour<HousekeeperMessage> {
  readonly #due: { chore: Chore; atMs: number }[]
  readonly #now: () => number
  #self: ActorContext<HousekeeperMessage> | undefined

  constructor(chores: readonly Chore[], now: () => number) {
    this.#due = chores.map((chore) => ({ chore, atMs: now() + chore.everyMs }))
    this.#now = now
  }

  init(self: ActorContext<HousekeeperMessage>): void {
    this.#self = self
    const everyMs = Math.min(...this.#due.map(({ chore }) => chore.everyMs))
    const timer = setInterval(() => self.self.tell({ type: 'round' }), everyMs)
    self.ended.addEventListener('abort', () => clearInterval(timer))
  }

  /** A chore that fails is logged and tried again when it is due the next time; the others do not suffer. */
  async receive(): Promise<void> {
    for (const entry of this.#due) {
      const nowMs = this.#now()
      if (nowMs < entry.atMs) continue
      entry.atMs = nowMs + entry.chore.everyMs
      try {
        await entry.chore.run(nowMs)
      } catch (err) {
        this.#self?.log.warn({ err, chore: entry.chore.name }, 'a chore failed, will be tried again')
      }
    }
  }
}

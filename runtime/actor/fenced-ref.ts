import type { ActorRef, Admission, Asker, Reply, Signal } from './actor.ts'

/** An incarnation, as far as its fence is concerned. */
export interface Fence extends Asker {
  /** True when the incarnation has ended: what it is about to do must be dropped, and has been counted. */
  drops(): boolean
}

/** What a dead incarnation asks is never answered, nor does it fail: its handler goes no further. */
export const never = <Answer>(): Promise<Answer> => new Promise(() => {})

/** Another's ref as one incarnation may use it: while that lives, and in its name. */
export class FencedRef<Message> implements ActorRef<Message> {
  readonly #fence: Fence
  readonly #target: ActorRef<Message>

  constructor(fence: Fence, target: ActorRef<Message>) {
    this.#fence = fence
    this.#target = target
  }

  get path(): string {
    return this.#target.path
  }

  get incarnation(): number {
    return this.#target.incarnation
  }

  tell(message: Message): Admission {
    return this.#fence.drops() ? 'dead' : this.#target.tell(message)
  }

  ask<Answer>(
    build: (reply: Reply<Answer>) => Message,
    timeoutMs: number,
    asker: Asker = this.#fence,
  ): Promise<Answer> {
    return this.#fence.drops() ? never() : this.#target.ask(build, timeoutMs, asker)
  }

  watch(down: (signal: Signal) => void): () => void {
    if (this.#fence.drops()) return () => {}
    return this.#target.watch((signal) => {
      if (!this.#fence.drops()) down(signal)
    })
  }
}

import type { ActorRef, Admission, Asker, Reply, Signal } from './actor.ts'
import { AskError } from './ask-error.ts'
import { NOPROC } from './exit-reason.ts'
import type { Fence } from './fenced-ref.ts'

/** One incarnation as others know it, as a pid: once that has ended it is dead for everybody, whoever lives there then. */
export class SelfRef<Message> implements ActorRef<Message> {
  readonly incarnation: number
  readonly #fence: Fence
  readonly #target: ActorRef<Message>

  constructor(fence: Fence, target: ActorRef<Message>, incarnation: number) {
    this.#fence = fence
    this.#target = target
    this.incarnation = incarnation
  }

  get path(): string {
    return this.#target.path
  }

  tell(message: Message): Admission {
    return this.#fence.drops() ? 'dead' : this.#target.tell(message)
  }

  ask<Answer>(build: (reply: Reply<Answer>) => Message, timeoutMs: number, asker?: Asker): Promise<Answer> {
    if (!this.#fence.drops()) return this.#target.ask(build, timeoutMs, asker)
    return Promise.reject(new AskError('dead', `${this.path} is dead`))
  }

  watch(down: (signal: Signal) => void): () => void {
    if (!this.#fence.drops()) return this.#target.watch(down)
    down({ signal: 'DOWN', path: this.path, incarnation: this.incarnation, reason: NOPROC })
    return () => {}
  }
}

import type { Asker, OpenQuestion, Reply, Waiter } from './actor.ts'
import type { ActorSystem } from './actor-system.ts'
import { AskError } from './ask-error.ts'

/** An ask under way: settled once, by an answer, a failure, its deadline, or the end of either side. */
export class Question<Answer> implements Reply<Answer>, OpenQuestion {
  readonly target: Waiter
  readonly deadlineMs: number
  readonly #system: ActorSystem
  readonly #asker: Asker | undefined
  readonly #onSettled: (question: OpenQuestion) => void
  readonly #promise: PromiseWithResolvers<Answer> = Promise.withResolvers()
  readonly #timer: NodeJS.Timeout
  #isSettled = false

  constructor(
    system: ActorSystem,
    target: Waiter,
    leftMs: number,
    asker: Asker | undefined,
    onSettled: (question: OpenQuestion) => void,
  ) {
    this.#system = system
    this.target = target
    this.deadlineMs = system.now() + leftMs
    this.#asker = asker
    this.#onSettled = onSettled
    this.#timer = setTimeout(
      () => this.giveUp(new AskError('timeout', `${target.path} did not answer within ${leftMs} ms`)),
      leftMs,
    )
    // Who asked may have gone on without it; a rejection that nobody handles would end the process.
    this.#promise.promise.catch(() => {})
    asker?.asked(this)
  }

  get promise(): Promise<Answer> {
    return this.#promise.promise
  }

  answer(value: Answer): void {
    if (this.#settle()) this.#promise.resolve(value)
    else this.#system.deadLetters.countLateAnswer()
  }

  fail(error: Error): void {
    if (this.#settle()) this.#promise.reject(error)
    else this.#system.deadLetters.countLateAnswer()
  }

  giveUp(error: Error): void {
    if (this.#settle()) this.#promise.reject(error)
  }

  forget(): void {
    this.#settle()
  }

  #settle(): boolean {
    if (this.#isSettled) return false
    this.#isSettled = true
    clearTimeout(this.#timer)
    this.#asker?.settled(this)
    this.#onSettled(this)
    return true
  }
}

import type { ActorRef, Asker, OpenQuestion, Reply, Waiter } from './actor.ts'
import type { ActorSystem } from './actor-system.ts'
import { AskError } from './ask-error.ts'
import { callCycle } from './call-cycle.ts'
import { toError } from './exit-reason.ts'
import type { Mailbox } from './mailbox.ts'
import { Question } from './question.ts'

/**
 * What an actor's present incarnation is asked. Questions end with it: they fail, and those that wait in the mailbox are taken
 * out, for an answer of the next incarnation would come out of its time. A tell costs nothing of this.
 */
export class Questions<Message> {
  readonly #system: ActorSystem
  readonly #target: ActorRef<Message> & Waiter
  readonly #open = new Set<OpenQuestion>()
  /** By the message that brings it, settled ones too. Undefined while nothing was asked. */
  #questionOf: WeakMap<object, OpenQuestion> | undefined

  constructor(system: ActorSystem, target: ActorRef<Message> & Waiter) {
    this.#system = system
    this.#target = target
  }

  ask<Answer>(
    build: (reply: Reply<Answer>) => Message,
    timeoutMs: number,
    asker: Asker | undefined,
  ): Promise<Answer> {
    const { path } = this.#target
    if (!(timeoutMs >= 0 && timeoutMs <= TIMEOUT_MAX_MS))
      return Promise.reject(
        new RangeError(`ask of ${path}: timeoutMs ${timeoutMs} must be from 0 to ${TIMEOUT_MAX_MS}`),
      )
    const cycle = asker?.isHandling && callCycle(asker.waiter, this.#target)
    if (cycle)
      return Promise.reject(
        new AskError('cycle', `${path} waits for who asks it, and would for ever: ${cycle.join(' → ')}`),
      )
    const leftMs = Math.min(timeoutMs, (asker?.deadlineMs ?? Number.POSITIVE_INFINITY) - this.#system.now())
    if (leftMs <= 0)
      return Promise.reject(new AskError('timeout', `no time is left to ask ${path}: it was not asked`))
    const question = new Question<Answer>(this.#system, this.#target, leftMs, asker, (settled) =>
      this.#open.delete(settled),
    )
    this.#open.add(question)
    try {
      this.#send(question, build(question))
    } catch (cause) {
      question.giveUp(toError(cause))
    }
    return question.promise
  }

  /** Of the question that this message brings. */
  deadlineMs(message: Message | undefined): number | undefined {
    return isObject(message) ? this.#questionOf?.get(message)?.deadlineMs : undefined
  }

  end(mailbox: Mailbox<Message>): void {
    const questionOf = this.#questionOf
    if (!questionOf) return
    this.#questionOf = undefined
    mailbox.discard((message) => isObject(message) && questionOf.has(message))
    for (const question of this.#open)
      question.giveUp(new AskError('dead', `${this.#target.path} ended before it answered`))
  }

  #send(question: OpenQuestion, message: Message): void {
    this.#questionOf ??= new WeakMap()
    if (isObject(message)) this.#questionOf.set(message, question)
    const admission = this.#target.tell(message)
    if (admission !== 'accepted')
      question.giveUp(new AskError(admission, `${this.#target.path} is ${admission}`))
  }
}

/** What a timer of Node can wait for. */
const TIMEOUT_MAX_MS = 2 ** 31 - 1

const isObject = (value: unknown): value is object =>
  typeof value === 'function' || (typeof value === 'object' && value !== null)

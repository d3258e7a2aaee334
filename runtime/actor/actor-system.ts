import type { Logger } from '../observe/logger.ts'
import { DeadLetters } from './dead-letters.ts'

/** What all actors of a node share. Passed on, never global: tests run several nodes in one process. */
export class ActorSystem {
  readonly log: Logger
  readonly deadLetters: DeadLetters
  readonly now: () => number
  readonly random: () => number
  /** Messages an actor handles before it lets the event loop turn. */
  readonly messagesPerTurn: number

  constructor(options: {
    log: Logger
    deadLettersKept: number
    messagesPerTurn: number
    now?: () => number
    random?: () => number
  }) {
    this.log = options.log
    this.now = options.now ?? Date.now
    this.random = options.random ?? Math.random
    this.deadLetters = new DeadLetters(options.log, this.now, options.deadLettersKept)
    this.messagesPerTurn = options.messagesPerTurn
  }
}

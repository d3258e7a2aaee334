import type { Logger } from '../observe/logger.ts'

export interface DeadLetter {
  path: string
  /** The message's own `type`, or its constructor. */
  message: string
  atMs: number
}

/**
 * Messages to actors that will not read them: all counted, the latest kept, one log line a second at most. Beside them, what
 * came too late to count: `fenced`, what incarnations still did after their end, and `lateAnswers`, to questions that were
 * over. Neither is a fault by itself: a killed handler that awaits something goes on.
 */
export class DeadLetters {
  readonly #log: Logger
  readonly #now: () => number
  readonly #keptMax: number
  readonly #latest: DeadLetter[] = []
  #count = 0
  #fenced = 0
  #lateAnswers = 0
  #loggedAtMs = Number.NEGATIVE_INFINITY

  constructor(log: Logger, now: () => number, keptMax: number) {
    this.#log = log
    this.#now = now
    this.#keptMax = keptMax
  }

  add(path: string, message: unknown): void {
    const letter = { path, message: nameOf(message), atMs: this.#now() }
    this.#count++
    this.#latest.push(letter)
    if (this.#latest.length > this.#keptMax) this.#latest.shift()
    if (letter.atMs - this.#loggedAtMs < 1000) return
    this.#loggedAtMs = letter.atMs
    this.#log.warn({ actor: path, message: letter.message, deadLetters: this.#count }, 'dead letter')
  }

  countFenced(): void {
    this.#fenced++
  }

  countLateAnswer(): void {
    this.#lateAnswers++
  }

  inspect(): { count: number; fenced: number; lateAnswers: number; latest: readonly DeadLetter[] } {
    return {
      count: this.#count,
      fenced: this.#fenced,
      lateAnswers: this.#lateAnswers,
      latest: this.#latest,
    }
  }
}

function nameOf(message: unknown): string {
  if (typeof message !== 'object' || message === null) return typeof message
  return 'type' in message ? String(message.type) : (message.constructor?.name ?? 'Object')
}

/**
 * What main and a thread tell each other without messages: one shared Int32Array per thread incarnation, one writer per
 * word. It can be read while the thread spins. This file alone defines the layout.
 */
const WORDS = {
  /** Written by main: messages sent. */
  sent: 0,
  /** Written by the thread: messages taken up. `sent − received` is the depth of its port. */
  received: 1,
  /** Written by the thread: ms since the board's epoch at its last sign of life. */
  heartbeatMs: 2,
  /** Written by the thread: jobs under way. */
  busy: 3,
  /** Written by the thread: ms since the board's epoch when `busy` last left 0. */
  busySinceMs: 4,
  /** Written by the thread: jobs finished, wrapping. */
  finished: 5,
  /** Written by the thread: the longest that a handler under way may take, in ms; 0 where nothing is said. */
  limitMs: 6,
} as const

type Word = keyof typeof WORDS

export class ThreadBoard {
  readonly buffer: SharedArrayBuffer
  /** Wall clock of word value 0; words hold 24 days of ms. */
  readonly epochMs: number
  readonly #words: Int32Array

  constructor(epochMs: number, buffer = new SharedArrayBuffer(Object.keys(WORDS).length * 4)) {
    this.epochMs = epochMs
    this.buffer = buffer
    this.#words = new Int32Array(buffer)
  }

  read(word: Word): number {
    return Atomics.load(this.#words, WORDS[word])
  }

  write(word: Word, value: number): void {
    Atomics.store(this.#words, WORDS[word], value)
  }

  /** Counters wrap; their difference does not mind. */
  increment(word: 'sent' | 'received' | 'finished', by = 1): void {
    Atomics.add(this.#words, WORDS[word], by)
  }

  get depth(): number {
    return (this.read('sent') - this.read('received')) | 0
  }
}

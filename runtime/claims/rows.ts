/**
 * Rows of fixed width in one typed array, found by their key: a hash table with open addressing and linear probing. A row
 * is 64 bytes, one line of the processor's cache. It begins with its key, whose first word is never zero.
 */
const ROW_WORDS = 16
const KEY_WORDS = 5
const ROWS_MIN = 16
/** Rows in use ÷ rows, at most. */
const LOAD_MAX = 0.7

export class Rows {
  static readonly KEY_WORDS = KEY_WORDS
  /** What `find` and `insert` give points into it, until the next `insert`. */
  words = new Uint32Array(ROWS_MIN * ROW_WORDS)
  #used = 0

  /** Index of the row's first word; undefined when there is none. */
  find(key: Uint32Array): number | undefined {
    const row = this.#place(key)
    return this.words[row] === 0 ? undefined : row
  }

  /** For a key that `find` does not find. */
  insert(key: Uint32Array): number {
    if (++this.#used > (this.words.length / ROW_WORDS) * LOAD_MAX) this.#grow()
    const row = this.#place(key)
    this.words.set(key, row)
    return row
  }

  /** The row of the key, or the free one where it belongs. Keys are hashes: their words are as good as any hash of them. */
  #place(key: Uint32Array): number {
    const { words } = this
    const rows = words.length / ROW_WORDS
    for (let at = key[1]! % rows; ; at = (at + 1) % rows) {
      const row = at * ROW_WORDS
      if (words[row] === 0 || this.#holds(row, key)) return row
    }
  }

  #holds(row: number, key: Uint32Array): boolean {
    for (let i = 0; i < KEY_WORDS; i++) if (this.words[row + i] !== key[i]) return false
    return true
  }

  #grow(): void {
    const old = this.words
    this.words = new Uint32Array(2 * old.length)
    for (let row = 0; row < old.length; row += ROW_WORDS)
      if (old[row] !== 0) {
        const values = old.subarray(row, row + ROW_WORDS)
        this.words.set(values, this.#place(values))
      }
  }
}

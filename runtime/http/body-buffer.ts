/** Collects a body from chunks, copying them. Many small chunks cost at most twice the body's length in memory. */
export class BodyBuffer {
  #bytes = EMPTY
  #length = 0

  get length(): number {
    return this.#length
  }

  append(chunk: Uint8Array): void {
    const length = this.#length + chunk.length
    if (length > this.#bytes.length) this.#grow(length)
    this.#bytes.set(chunk, this.#length)
    this.#length = length
  }

  /** Everything appended, as memory that nobody else writes to. */
  take(): Buffer {
    const whole = this.#length === this.#bytes.length
    const taken = whole ? this.#bytes : this.#bytes.subarray(0, this.#length)
    this.#bytes = EMPTY
    this.#length = 0
    return taken
  }

  #grow(length: number): void {
    // The usual body is one chunk, and gets exactly its size.
    const grown = Buffer.allocUnsafe(Math.max(length, 2 * this.#length))
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bytes = grown
  }
}

const EMPTY = Buffer.alloc(0)

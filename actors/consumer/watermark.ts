/**
 * The highest contiguous finished offset of one partition: what may be committed (S4). Jobs finish in any order; the
 * committed offset never passes one that has not.
 */
export class Watermark {
  /** All offsets below are finished: the offset to commit. */
  #next: number
  /** The highest offset delivered, plus one. */
  #end: number
  readonly #finished = new Set<number>()

  /** `first`: the first offset that will be delivered. */
  constructor(first: number) {
    this.#next = first
    this.#end = first
  }

  get next(): number {
    return this.#next
  }

  /** Delivered, but not below the watermark. */
  get window(): number {
    return this.#end - this.#next
  }

  /** Offsets come in ascending order; those a log leaves out (compaction, markers) count as finished. */
  deliver(offset: number): void {
    for (; this.#end < offset; this.#end++) this.#finished.add(this.#end)
    this.#end = Math.max(this.#end, offset + 1)
    this.#advance()
  }

  /** Finishing twice, or below the watermark, changes nothing. */
  finish(offset: number): void {
    if (offset < this.#next || offset >= this.#end) return
    this.#finished.add(offset)
    this.#advance()
  }

  #advance(): void {
    while (this.#finished.delete(this.#next)) this.#next++
  }
}

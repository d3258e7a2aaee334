import { Fifo } from '../../runtime/actor/fifo.ts'
import type { DeliveredRecord } from '../../runtime/log/log.ts'
import { Watermark } from './watermark.ts'

/**
 * One partition's share of its pool's mailbox, in jobs and bytes: above it the partition pauses, and only it; at half of
 * it the partition resumes. It also knows the age of its oldest unfinished record.
 */
export interface ShareBounds {
  jobsMax: number
  bytesMax: number
  /** Delivered above the watermark: bounds what one stuck job can pile up behind it. */
  windowJobsMax: number
}

interface Outstanding {
  offset: number
  appendedAtMs: number
}

export class PartitionShare {
  readonly lane: string
  readonly partition: number
  readonly #bounds: ShareBounds
  readonly #sizes = new Map<number, number>()
  readonly #inOrder = new Fifo<Outstanding>()
  readonly #watermark: Watermark
  #bytes = 0
  #committed: number
  isPaused = false
  /** Records below this offset may have been begun before, in another life of this consumer or of its process. */
  pastEnd = 0
  /** Those go into quarantine. */
  isPastSuspect = false

  constructor(lane: string, partition: number, first: number, bounds: ShareBounds) {
    this.lane = lane
    this.partition = partition
    this.#bounds = bounds
    this.#watermark = new Watermark(first)
    this.#committed = first
  }

  deliver({ offset, appendedAtMs, value }: DeliveredRecord): void {
    this.#watermark.deliver(offset)
    this.#sizes.set(offset, value.byteLength)
    this.#bytes += value.byteLength
    this.#inOrder.push({ offset, appendedAtMs })
  }

  finish(offset: number): void {
    const size = this.#sizes.get(offset)
    if (size === undefined) return
    this.#sizes.delete(offset)
    this.#bytes -= size
    this.#watermark.finish(offset)
    for (
      let head = this.#inOrder.peek();
      head && head.offset < this.#watermark.next;
      head = this.#inOrder.peek()
    )
      this.#inOrder.shift()
  }

  get isPastDone(): boolean {
    return this.#watermark.next >= this.pastEnd
  }

  get isFull(): boolean {
    return this.#fill >= 1
  }

  get hasRoom(): boolean {
    return this.#fill <= 0.5
  }

  /** The offset to commit, if it moved since the last call. */
  takeCommit(): number | undefined {
    const { next } = this.#watermark
    if (next === this.#committed) return undefined
    this.#committed = next
    return next
  }

  /** When the oldest unfinished record was appended. */
  get headAppendedAtMs(): number | undefined {
    return this.#inOrder.peek()?.appendedAtMs
  }

  get outstandingJobs(): number {
    return this.#sizes.size
  }

  get #fill(): number {
    const { jobsMax, bytesMax, windowJobsMax } = this.#bounds
    return Math.max(
      this.#sizes.size / jobsMax,
      this.#bytes / bytesMax,
      this.#watermark.window / windowJobsMax,
    )
  }
}

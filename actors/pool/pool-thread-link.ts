import type { Job } from '../../runtime/job/job.ts'
import type { ThreadRef } from '../../runtime/threads/thread-child.ts'
import { packJobs } from './job-batch.ts'
import type { JobsMessage } from './thread-protocol.ts'

/**
 * The pool's side of one thread: its credits (how many more jobs it may be given) and what it is working on. A thread in
 * quarantine duty runs a single suspect and gets nothing beside it.
 */
export class PoolThreadLink {
  readonly ref: ThreadRef
  readonly #concurrency: number
  readonly #running = new Map<number, Job>()
  isUp = false
  /** Its end is known and not handled yet: it gets nothing more. */
  isLost = false

  constructor(ref: ThreadRef, concurrency: number) {
    this.ref = ref
    this.#concurrency = concurrency
  }

  get credits(): number {
    return this.isUp && !this.isLost ? this.#concurrency - this.#running.size : 0
  }

  get isIdle(): boolean {
    return this.isUp && !this.isLost && this.#running.size === 0
  }

  get runningJobs(): number {
    return this.#running.size
  }

  /** Looks at as many jobs as the thread runs at once. */
  find(id: string): Job | undefined {
    return this.#running.values().find(({ envelope }) => envelope.id === id)
  }

  /** False when the thread does not take them; then they are not running. */
  send(jobs: readonly Job[], firstTicket: number, thin: boolean): boolean {
    const packed = packJobs(jobs.map(({ encoded }) => encoded))
    const message: JobsMessage = { firstTicket, jobs: packed, thin }
    if (this.ref.tell(message, [packed]) !== 'accepted') return false
    jobs.forEach((job, i) => {
      this.#running.set(firstTicket + i, job)
    })
    return true
  }

  /** The job of a ticket, which is done with; undefined for tickets of an earlier life. */
  finish(ticket: number): Job | undefined {
    const job = this.#running.get(ticket)
    this.#running.delete(ticket)
    return job
  }

  /** The thread has died: what it was working on. */
  loseAll(): Job[] {
    this.isUp = false
    this.isLost = false
    const lost = [...this.#running.values()]
    this.#running.clear()
    return lost
  }
}

import type { Job } from '../../runtime/job/job.ts'
import type { ThreadIncarnation } from '../../runtime/threads/thread-incarnation.ts'
import { packJobs } from './job-batch.ts'
import type { JobsMessage } from './thread-protocol.ts'

/**
 * The pool's side of one incarnation of a thread: its credits (how many more jobs it may be given) and what it is working on. A thread in
 * quarantine duty runs a single job and gets nothing beside it.
 */
export class PoolThreadLink {
  readonly thread: ThreadIncarnation
  /** Beside its path what it is known by. */
  readonly incarnation: number
  readonly #concurrency: number
  readonly #running = new Map<number, Job>()
  #begunJobs = 0
  #runsAlone = false
  /** It takes jobs; one that is retired only finishes what it has. */
  isUp = true
  /** Its end is known and not handled yet: it gets nothing more. */
  isLost = false

  constructor(thread: ThreadIncarnation, concurrency: number) {
    this.thread = thread
    this.incarnation = thread.incarnation
    this.#concurrency = concurrency
  }

  get credits(): number {
    return this.isUp && !this.isLost && !this.#runsAlone ? this.#concurrency - this.#running.size : 0
  }

  get isIdle(): boolean {
    return this.isUp && !this.isLost && this.#running.size === 0
  }

  /** What has run in this life of the thread. What an earlier job left behind may end it too. */
  get begunJobs(): number {
    return this.#begunJobs
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
    if (this.thread.tell(message, [packed]) !== 'accepted') return false
    jobs.forEach((job, i) => {
      this.#running.set(firstTicket + i, job)
    })
    this.#begunJobs += jobs.length
    this.#runsAlone = jobs.some(({ solo }) => solo)
    return true
  }

  /** The job of a ticket, which is done with; undefined for tickets of an earlier life. */
  finish(ticket: number): Job | undefined {
    const job = this.#running.get(ticket)
    this.#running.delete(ticket)
    if (this.#running.size === 0) this.#runsAlone = false
    return job
  }

  /** The thread has died: what it was working on. */
  loseAll(): Job[] {
    this.isUp = false
    const lost = [...this.#running.values()]
    this.#running.clear()
    return lost
  }
}

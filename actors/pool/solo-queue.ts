import { Fifo } from '../../runtime/actor/fifo.ts'
import type { Job } from '../../runtime/job/job.ts'
import type { PoolThreadLink } from './pool-thread-link.ts'

/**
 * Jobs in quarantine that wait for a thread of their own. They come one at a time, since the job table gives no second
 * one before the first is settled. While one waits, one thread gets nothing new, so that it runs empty.
 */
interface Waiting {
  job: Job
  /** It died on a thread on which others had run: only on a new one it is known whose fault that is. */
  onFreshThread: boolean
}

export class SoloQueue {
  readonly #waiting = new Fifo<Waiting>()
  #emptying: PoolThreadLink | undefined

  get length(): number {
    return this.#waiting.length
  }

  push(job: Job, { onFreshThread } = { onFreshThread: false }): void {
    this.#waiting.push({ job, onFreshThread })
  }

  /** The job that can run now, and on which thread: a new one where there is one. */
  next(links: readonly PoolThreadLink[]): { job: Job; link: PoolThreadLink } | undefined {
    const head = this.#waiting.peek()
    if (!head) return undefined
    const idle = links.filter(({ isIdle }) => isIdle)
    const link = idle.find(({ begunJobs }) => begunJobs === 0) ?? (head.onFreshThread ? undefined : idle[0])
    if (!link) return undefined
    this.#waiting.shift()
    this.#emptying = undefined
    return { job: head.job, link }
  }

  /** The thread that runs empty for the next one: that with the least to do, until it is empty or lost. */
  emptying(links: readonly PoolThreadLink[]): PoolThreadLink | undefined {
    const head = this.#waiting.peek()
    if (!head || head.onFreshThread) return undefined
    if (!this.#emptying?.isUp || this.#emptying.isLost)
      this.#emptying = links
        .filter(({ isUp, isLost }) => isUp && !isLost)
        .sort((a, b) => a.runningJobs - b.runningJobs)[0]
    return this.#emptying
  }
}

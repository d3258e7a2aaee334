import { Fifo } from '../../runtime/actor/fifo.ts'
import type { Job } from '../../runtime/job/job.ts'

/**
 * Ordering keys (S5): of each key one job at a time is outside; the next follows when its predecessor is committed. While
 * the job table holds unfinished rows of a key, its jobs from the log are parked there, behind those rows.
 *
 *     open ──job──► running ──committed as settled──► next, or open
 *                      └──committed as retry──► held: the followers are parked
 *     held ──last unfinished row settled──► open
 */
interface Gate {
  /** A job of the log is outside: in the mailbox's queues, on a thread, or at the writer. */
  running: boolean
  followers: Fifo<Job>
  /** Unfinished rows in the job table, those on their way to it included. */
  rows: number
}

export type Passage = 'run' | 'wait' | 'park'

export class KeyGates {
  readonly #gates = new Map<string, Gate>()

  /** Rows that were in the table before this pool started. */
  hold(key: string, rows: number): void {
    this.#gateOf(key).rows += rows
  }

  /** What to do with a job that came from the log. A follower that waits is kept here. */
  enter(key: string, job: Job): Passage {
    const gate = this.#gateOf(key)
    if (gate.rows > 0) {
      gate.rows++
      return 'park'
    }
    if (gate.running) {
      gate.followers.push(job)
      return 'wait'
    }
    gate.running = true
    return 'run'
  }

  /** The running job of the log is settled in the table: the follower that runs next, if any. */
  release(key: string): Job | undefined {
    const gate = this.#gates.get(key)
    if (!gate) return undefined
    const next = gate.followers.shift()
    gate.running = next !== undefined
    this.#dropIfOpen(key, gate)
    return next
  }

  /** The running job of the log became an unfinished row: its followers, to be parked behind it. */
  becomeHeld(key: string): Job[] {
    const gate = this.#gateOf(key)
    const followers = [...gate.followers]
    gate.followers.clear()
    gate.running = false
    gate.rows += 1 + followers.length
    return followers
  }

  /** A row of the key is settled, or turned out to be settled already. */
  rowSettled(key: string): void {
    const gate = this.#gates.get(key)
    if (!gate) return
    gate.rows = Math.max(0, gate.rows - 1)
    this.#dropIfOpen(key, gate)
  }

  get size(): number {
    return this.#gates.size
  }

  #gateOf(key: string): Gate {
    let gate = this.#gates.get(key)
    if (!gate) {
      gate = { running: false, followers: new Fifo(), rows: 0 }
      this.#gates.set(key, gate)
    }
    return gate
  }

  #dropIfOpen(key: string, gate: Gate): void {
    if (!gate.running && gate.rows === 0 && gate.followers.length === 0) this.#gates.delete(key)
  }
}

import type { Worker } from 'node:worker_threads'
import type { Admission, Signal, Watchable } from '../actor/actor.ts'
import type { ActorSystem } from '../actor/actor-system.ts'
import { type ExitReason, NOPROC } from '../actor/exit-reason.ts'
import type { Crash } from '../supervision/child-spec.ts'
import type { BootedThread } from './booted-thread.ts'
import type { ThreadBoard } from './thread-board.ts'
import type { ToThread } from './thread-host.ts'

/**
 * One incarnation of a thread actor, while it runs and after. Who sends to a thread keeps its incarnation, as one keeps a pid:
 * what the next one does is none of its business.
 *
 *     running ──replacement boots──► recycling ──it serves──► retired ──finished──► over
 *        └──────────────────────── its end, whichever ────────────────────────────► over
 */
type State = 'running' | 'recycling' | 'retired' | 'over'

export class ThreadIncarnation implements Watchable {
  readonly path: string
  readonly incarnation: number
  readonly board: ThreadBoard
  state: State = 'running'
  readonly #system: ActorSystem
  readonly #thread: BootedThread
  readonly #capacity: number
  readonly #watchers = new Set<{ down: (signal: Signal) => void }>()

  constructor(
    system: ActorSystem,
    { path, capacity }: { path: string; capacity: number },
    { incarnation, board, thread }: { incarnation: number; board: ThreadBoard; thread: BootedThread },
  ) {
    this.#system = system
    this.path = path
    this.#capacity = capacity
    this.incarnation = incarnation
    this.board = board
    this.#thread = thread
  }

  get worker(): Worker {
    if (!this.#thread.worker) throw new Error(`${this.path} runs without a worker`)
    return this.#thread.worker
  }

  /** Whether it takes messages. */
  get isServing(): boolean {
    return this.state === 'running' || this.state === 'recycling'
  }

  /** Never throws for a dead thread; a message that cannot be cloned is the sender's bug and throws. */
  tell(message: unknown, transfer: readonly ArrayBuffer[] = []): Admission {
    if (!this.isServing) {
      // One that is retired has a successor: who sent this finds out, and sends it there.
      if (this.state === 'over') this.#system.deadLetters.add(this.path, message)
      return 'dead'
    }
    if (this.board.depth >= this.#capacity) return 'full'
    this.#post({ message }, transfer)
    return 'accepted'
  }

  watch(down: (signal: Signal) => void): () => void {
    if (this.state === 'over') {
      down(this.#down(NOPROC))
      return () => {}
    }
    const watcher = { down }
    this.#watchers.add(watcher)
    return () => this.#watchers.delete(watcher)
  }

  stop(): void {
    if (this.isServing) this.#post({ stop: true })
    if (this.state !== 'over') this.state = 'retired'
  }

  kill(reason?: ExitReason): void {
    this.#thread.kill(reason)
  }

  crash(how: Crash): boolean {
    if (this.state === 'over') return false
    this.#post({ crash: how })
    return true
  }

  /** Its exit is known, and everything it posted before has been handed over. */
  end(reason: ExitReason): void {
    this.state = 'over'
    const signal = this.#down(reason)
    for (const { down } of this.#watchers) down(signal)
    this.#watchers.clear()
  }

  inspect(): Record<string, unknown> {
    const { board } = this
    const sinceMs = this.#system.now() - board.epochMs
    const busyJobs = board.read('busy')
    return {
      state: this.state,
      incarnation: this.incarnation,
      mailbox: { depth: board.depth, capacity: this.#capacity },
      handled: board.read('received'),
      jobsDone: board.read('finished'),
      busyJobs,
      busyForMs: busyJobs > 0 ? sinceMs - board.read('busySinceMs') : 0,
      heartbeatAgeMs: sinceMs - board.read('heartbeatMs'),
    }
  }

  #post(envelope: ToThread, transfer: readonly ArrayBuffer[] = []): void {
    this.#thread.post(envelope, transfer)
    this.board.increment('sent')
  }

  #down(reason: ExitReason): Signal {
    return { signal: 'DOWN', path: this.path, incarnation: this.incarnation, reason }
  }
}

import type { Worker } from 'node:worker_threads'
import type { ExitReason } from '../actor/exit-reason.ts'
import type { ThreadBoard } from './thread-board.ts'
import { threadExit } from './thread-exit.ts'
import {
  FRESH,
  isNearWatermark,
  judge,
  type ThreadCondition,
  type ThreadLimits,
  type Verdict,
} from './thread-judgement.ts'

/**
 * Watches over threads that run: one timer for all of them, which exists as long as there are any and keeps no process
 * alive. It reads their boards, asks them for their memory (every tick near the watermark, else every `farTicks`) and, while
 * they are stalled, for their CPU time; `thread-judgement.ts` decides.
 *
 * V8 answers out of a busy loop, and out of a wait; what it does not interrupt is one builtin.
 */
export interface ThreadWatchOptions {
  limits: ThreadLimits
  tickMs: number
  /** Ticks between two looks at memory that is far from the watermark. */
  farTicks: number
  /** After so long without an answer `onLasting` is called, once per time. */
  lastingMs: number
  /** This thread has not answered, or not ended after it was killed, for long: only the end of the process ends it. */
  onLasting(path: string, forMs: number): void
}

export interface WatchedThread {
  readonly path: string
  readonly board: ThreadBoard
  readonly worker: Worker
  kill(reason: ExitReason): void
  /** Asked at every tick as long as it is worn. */
  recycle(): void
}

interface Entry {
  condition: ThreadCondition
  ticks: number
  isPollOpen: boolean
  heapBytes: number | undefined
  cpuMs: number | undefined
}

/** A stall of fewer ticks is none: healthy threads beat that slowly. */
const SUSPICIOUS_TICKS = 6

export class ThreadWatch {
  readonly #options: ThreadWatchOptions
  readonly #entries = new Map<WatchedThread, Entry>()
  /** Threads whose exit is known while they still run: since when, in seen time. */
  readonly #ending = new Map<WatchedThread, number>()
  #timer: NodeJS.Timeout | undefined
  #lastTickAtMs = 0

  constructor(options: ThreadWatchOptions) {
    this.#options = options
  }

  add(thread: WatchedThread): void {
    this.#entries.set(thread, {
      condition: FRESH,
      ticks: 0,
      isPollOpen: false,
      heapBytes: undefined,
      cpuMs: undefined,
    })
    if (this.#timer) return
    this.#lastTickAtMs = performance.now()
    this.#timer = setInterval(() => this.#tick(), this.#options.tickMs).unref()
  }

  remove(thread: WatchedThread): void {
    if (this.#entries.delete(thread) && isAlive(thread)) this.#ending.set(thread, 0)
    this.#rest()
  }

  /** Threads that were killed and go on. */
  get lingering(): number {
    return [...this.#ending.keys()].filter(isAlive).length
  }

  inspect(thread: WatchedThread): Record<string, unknown> {
    const condition = this.#entries.get(thread)?.condition
    if (!condition) return {}
    const { softHeapBytes, unresponsiveMs } = this.#options.limits
    return {
      ...(condition.unansweredMs >= unresponsiveMs && { state: 'unresponsive' }),
      memory: { usedBytes: condition.heapBytes, watermarkBytes: softHeapBytes },
      stalledMs: condition.stalledMs,
    }
  }

  #tick(): void {
    const nowMs = performance.now()
    const seenMs = Math.min(nowMs - this.#lastTickAtMs, this.#options.tickMs)
    this.#lastTickAtMs = nowMs
    for (const [thread, entry] of [...this.#entries]) this.#look(thread, entry, seenMs)
    for (const [thread, forMs] of [...this.#ending]) this.#lookAfter(thread, forMs, forMs + seenMs)
    this.#rest()
  }

  #rest(): void {
    if (this.#entries.size > 0 || this.#ending.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #lookAfter(thread: WatchedThread, beforeMs: number, forMs: number): void {
    const { lastingMs, onLasting } = this.#options
    if (!isAlive(thread)) {
      this.#ending.delete(thread)
      return
    }
    this.#ending.set(thread, forMs)
    if (beforeMs < lastingMs && forMs >= lastingMs) onLasting(thread.path, forMs)
  }

  #look(thread: WatchedThread, entry: Entry, seenMs: number): void {
    const { limits, lastingMs, onLasting } = this.#options
    const { board, path } = thread
    const before = entry.condition
    const signs = {
      seenMs,
      heartbeat: board.read('heartbeatMs'),
      busy: board.read('busy'),
      limitMs: board.read('limitMs'),
      finished: board.read('finished'),
      cpuMs: entry.cpuMs,
      heapBytes: entry.heapBytes,
      isPollOpen: entry.isPollOpen,
    }
    entry.cpuMs = undefined
    entry.heapBytes = undefined
    const { condition, verdict } = judge(before, signs, limits)
    entry.condition = condition
    if (before.unansweredMs < lastingMs && condition.unansweredMs >= lastingMs)
      onLasting(path, condition.unansweredMs)
    if (verdict.kind === 'worn') thread.recycle()
    const reason = killReason(verdict, limits)
    if (reason) {
      thread.kill(reason)
      return
    }
    this.#poll(thread, entry)
  }

  #poll({ worker }: WatchedThread, entry: Entry): void {
    const { limits, tickMs, farTicks } = this.#options
    const isStalled = entry.condition.stalledMs > SUSPICIOUS_TICKS * tickMs
    const isDue = entry.ticks++ % farTicks === 0 || isNearWatermark(entry.condition, limits)
    if (entry.isPollOpen || !(isDue || isStalled)) return
    entry.isPollOpen = true
    const cpu = isStalled ? worker.cpuUsage() : undefined
    void Promise.all([worker.getHeapStatistics(), cpu]).then(
      ([heap, used]) => {
        entry.isPollOpen = false
        entry.heapBytes = heap.used_heap_size + heap.external_memory + heap.malloced_memory
        if (used) entry.cpuMs = (used.user + used.system) / 1000
      },
      // It has ended meanwhile.
      () => {},
    )
  }
}

const isAlive = ({ worker }: WatchedThread): boolean => worker.threadId !== -1

function killReason(verdict: Verdict, { softHeapBytes }: ThreadLimits): ExitReason | undefined {
  switch (verdict.kind) {
    case 'oom': {
      const used = `${mib(verdict.heapBytes)} MiB of memory`
      return threadExit('oom', new Error(`${used}, its watermark is ${mib(softHeapBytes)} MiB`))
    }
    case 'unresponsive': {
      const { stalledMs, limitMs, cpuMs } = verdict
      const given = `what runs there may take ${limitMs} ms, it used ${Math.round(cpuMs)} ms of CPU`
      return threadExit(
        'unresponsive',
        new Error(`no sign of life for ${Math.round(stalledMs)} ms; ${given}`),
      )
    }
    default:
      return undefined
  }
}

const mib = (bytes: number): number => Math.round(bytes / 1_048_576)

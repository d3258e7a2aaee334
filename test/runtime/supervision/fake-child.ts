import { vi } from 'vitest'
import { type ExitReason, KILLED, SHUTDOWN } from '../../../runtime/actor/exit-reason.ts'
import type { ChildSpec, Restart, Shutdown } from '../../../runtime/supervision/child-spec.ts'
import type { Supervisor } from '../../../runtime/supervision/supervisor.ts'
import { testSystem } from '../../support/test-system.ts'

/** A child that does as it is told and writes down what happens to it: `start a`, `stop a`, `kill a`, `a died`. */
export class FakeChild {
  readonly spec: ChildSpec
  readonly id: string
  /** The number of its incarnations so far. */
  starts = 0
  closes = 0
  isRunning = false
  failStarts = 0
  isIgnoring = false
  /** It neither obeys a stop nor ends by itself. */
  isDeaf = false
  /** How it answers a stop. */
  stopReason: ExitReason = SHUTDOWN
  readonly #events: string[]
  #exit: ((reason: ExitReason) => void) | undefined
  #gate: PromiseWithResolvers<void> | undefined

  constructor(
    id: string,
    events: string[] = [],
    { restart = 'permanent' as Restart, shutdown = 1_000 as Shutdown, type = 'worker' as const } = {},
  ) {
    this.id = id
    this.#events = events
    this.spec = {
      id,
      restart,
      shutdown,
      type,
      start: () => this.#start(),
      inspect: () => ({ type: 'actor' }),
      close: () => void this.closes++,
    }
  }

  /** Its starts hang from now on, until `release`. */
  hold(): void {
    this.#gate = Promise.withResolvers()
  }

  release(): void {
    this.#gate?.resolve()
    this.#gate = undefined
  }

  die(reason: ExitReason = ERROR): void {
    if (!this.isRunning) throw new Error(`${this.id} does not run`)
    this.#events.push(`${this.id} died`)
    this.#end(reason)
  }

  async #start() {
    if (this.#gate) {
      this.#events.push(`${this.id} hangs`)
      await this.#gate.promise
    }
    if (this.failStarts > 0) {
      this.failStarts--
      this.#events.push(`${this.id} fails`)
      throw new Error(`${this.id} refuses`)
    }
    if (this.isIgnoring) return 'ignore' as const
    this.starts++
    this.isRunning = true
    this.#events.push(`start ${this.id}`)
    const { promise: exited, resolve } = Promise.withResolvers<ExitReason>()
    this.#exit = resolve
    return {
      exited,
      stop: () => this.#told('stop', this.stopReason, this.isDeaf),
      kill: () => this.#told('kill', KILLED, false),
    }
  }

  #told(what: string, reason: ExitReason, isIgnored: boolean): void {
    if (!this.isRunning) return
    this.#events.push(`${what} ${this.id}`)
    if (!isIgnored) this.#end(reason)
  }

  #end(reason: ExitReason): void {
    this.isRunning = false
    this.#exit?.(reason)
  }
}

export const ERROR: ExitReason = { kind: 'error', error: new Error('died') }

/** Back-off of fixed length, so that a test knows when it is over. */
export const DELAY_MS = 10
export const BACKOFF = { minMs: DELAY_MS, maxMs: DELAY_MS, resetMs: 60_000 }
export const MANY = { intensity: 1_000, periodMs: 60_000 }

/** With vitest's fake timers: the clock of supervisors and children moves by `pass` only. */
export const clockSystem = () => testSystem(() => Date.now())

export async function pass(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms)
}

/** All that can happen without time passing has happened. */
export const settle = () => pass(0)

/** What became of a promise, without waiting for it. */
export async function outcomeOf(promise: Promise<unknown>): Promise<unknown> {
  let outcome: unknown = 'pending'
  promise.then(
    (value) => {
      outcome = value
    },
    (cause) => {
      outcome = cause
    },
  )
  await settle()
  return outcome
}

export const statuses = (supervisor: { inspect: Supervisor['inspect'] }): Record<string, string> =>
  Object.fromEntries(
    (supervisor.inspect().children as { path: string; status: string }[]).map(({ path, status }) => [
      path.slice(path.lastIndexOf('/') + 1),
      status,
    ]),
  )

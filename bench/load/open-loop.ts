import { Fifo } from '../../runtime/actor/fifo.ts'
import { type Answer, Connection } from './connection.ts'
import type { Random } from './random.ts'

/**
 * Open loop: requests are sent at their intended times, whether the server keeps up or not, over keep-alive connections of
 * one request at a time. One that finds none free waits in a queue; its latency counts from its intended time, so that a
 * slow server cannot slow down its own measurement (no coordinated omission).
 *
 * A connection that the server closes is opened again; one that is refused is given up, or, with `retryConnectMs`, tried
 * again after so long. The loop ends when its time is over and everything sent has its verdict, after `graceMs` at the
 * latest, or when no connection is left.
 */
export interface OpenLoopOptions<Job> {
  port: number
  connections: number
  ratePerSecond: number
  durationMs: number
  /** Arrivals as a Poisson process; without it they are evenly spaced. */
  random?: Random
  /** Arrivals that may wait for a free connection; more are given up as `unsent`. */
  queueMax: number
  /** Called at each intended time; `request` as `postRequest` makes it. Undefined ends the arrivals. */
  next(): { job: Job; request: string } | undefined
  /** Called once for each job. */
  onVerdict(job: Job, verdict: LoopVerdict): void
  /** Ends the arrivals before their time; what was sent is still waited for, as at any end. */
  signal?: AbortSignal
  /** How long what was sent is waited for at the end; 5 s by default. */
  graceMs?: number
  /** For a server that may be away for a while. */
  retryConnectMs?: number
}

export type LoopVerdict =
  /** `text` is the whole answer, head included; `latencyMs` counts from the intended time. */
  | { kind: 'answered'; status: number; text: string; latencyMs: number }
  /**
   * Sent, but no whole answer: the connection was `closed` before its first byte, `cut` in its middle, or it had not come
   * when the loop ended (`late`). `waitedMs` counts from the moment it was sent.
   */
  | { kind: 'unanswered'; why: 'closed' | 'cut' | 'late'; waitedMs: number }
  /** Never sent: the queue was full, or no connection was left. */
  | { kind: 'unsent' }

export interface OpenLoopResult {
  arrived: number
  answered: number
  unanswered: number
  unsent: number
  /** Sent later than `LATE_MS` after the intended time because the generator itself was late: beyond a few it is too slow. */
  generatorLate: number
  generatorLatestMs: number
  /** Had to wait for a free connection: the server is slow, or there are too few of them. */
  queued: number
  seconds: number
}

const GRACE_MS = 5_000
const TICK_MS = 1
const LATE_MS = 5

export async function openLoop<Job>(options: OpenLoopOptions<Job>): Promise<OpenLoopResult> {
  const loop = new OpenLoop(options)
  return loop.run()
}

interface Arrival<Job> {
  job: Job
  request: string
  intendedAt: number
}

/** One connection and the request that it waits for. */
interface Line<Job> {
  connection: Connection | undefined
  waitsFor: Arrival<Job> | undefined
  sentAt: number
}

class OpenLoop<Job> {
  readonly #options: OpenLoopOptions<Job>
  readonly #lines: Line<Job>[]
  readonly #free = new Fifo<Line<Job>>()
  readonly #queue = new Fifo<Arrival<Job>>()
  readonly #ended = Promise.withResolvers<void>()
  readonly #result: OpenLoopResult = {
    arrived: 0,
    answered: 0,
    unanswered: 0,
    unsent: 0,
    generatorLate: 0,
    generatorLatestMs: 0,
    queued: 0,
    seconds: 0,
  }
  #waiting = 0
  #linesLeft: number
  #nextAt = 0
  #endsAt = 0
  #isOver = false

  constructor(options: OpenLoopOptions<Job>) {
    this.#options = options
    this.#lines = Array.from({ length: options.connections }, () => ({
      connection: undefined,
      waitsFor: undefined,
      sentAt: 0,
    }))
    this.#linesLeft = this.#lines.length
  }

  async run(): Promise<OpenLoopResult> {
    await Promise.all(this.#lines.map((line) => this.#open(line)))
    const startedAt = performance.now()
    this.#nextAt = startedAt
    this.#endsAt = startedAt + this.#options.durationMs
    this.#tick()
    await this.#ended.promise
    this.#giveUpRest()
    this.#result.seconds = (performance.now() - startedAt) / 1000
    return this.#result
  }

  #tick(): void {
    const now = performance.now()
    // What was sent is waited for no longer than at any other end.
    if (this.#options.signal?.aborted) this.#endsAt = Math.min(this.#endsAt, now)
    const hasEnded = now >= this.#endsAt
    const isDone = hasEnded && this.#waiting === 0 && this.#queue.length === 0
    if (isDone || this.#linesLeft === 0 || now > this.#endsAt + (this.#options.graceMs ?? GRACE_MS)) {
      this.#ended.resolve()
      return
    }
    for (; !hasEnded && this.#nextAt <= Math.min(now, this.#endsAt); this.#nextAt += this.#gapMs())
      this.#arrive(now)
    setTimeout(() => this.#tick(), TICK_MS)
  }

  #gapMs(): number {
    const { random, ratePerSecond } = this.#options
    const meanMs = 1000 / ratePerSecond
    return random ? -Math.log(1 - random.next()) * meanMs : meanMs
  }

  #arrive(now: number): void {
    const next = this.#options.next()
    if (!next) {
      this.#endsAt = now
      return
    }
    const result = this.#result
    const lateMs = now - this.#nextAt
    result.arrived++
    if (lateMs > LATE_MS) result.generatorLate++
    result.generatorLatestMs = Math.max(result.generatorLatestMs, lateMs)
    const arrival = { ...next, intendedAt: this.#nextAt }
    const line = this.#free.shift()
    if (line) this.#send(line, arrival, now)
    else if (this.#queue.length >= this.#options.queueMax) this.#leave(arrival)
    else {
      result.queued++
      this.#queue.push(arrival)
    }
  }

  #send(line: Line<Job>, arrival: Arrival<Job>, now: number): void {
    line.waitsFor = arrival
    line.sentAt = now
    this.#waiting++
    line.connection?.send(arrival.request)
  }

  #isFree(line: Line<Job>, now: number): void {
    const arrival = this.#queue.shift()
    if (arrival) this.#send(line, arrival, now)
    else this.#free.push(line)
  }

  #answered(line: Line<Job>, connection: Connection, { status, text }: Answer): void {
    const arrival = line.waitsFor
    if (!arrival || line.connection !== connection) return
    const now = performance.now()
    line.waitsFor = undefined
    this.#waiting--
    this.#result.answered++
    const isLast = CLOSES.test(text)
    this.#options.onVerdict(arrival.job, {
      kind: 'answered',
      status,
      text,
      latencyMs: now - arrival.intendedAt,
    })
    if (isLast) {
      line.connection = undefined
      connection.end()
      void this.#open(line)
    } else this.#isFree(line, now)
  }

  #closed(line: Line<Job>, connection: Connection): void {
    if (line.connection !== connection) return
    line.connection = undefined
    if (line.waitsFor) this.#unanswered(line, connection.isMidAnswer ? 'cut' : 'closed')
    else this.#takeOut(line)
    if (!this.#isOver) void this.#open(line)
  }

  #takeOut(line: Line<Job>): void {
    const others = [...this.#free].filter((other) => other !== line)
    this.#free.clear()
    for (const other of others) this.#free.push(other)
  }

  #unanswered(line: Line<Job>, why: 'closed' | 'cut' | 'late'): void {
    const arrival = line.waitsFor
    if (!arrival) return
    line.waitsFor = undefined
    this.#waiting--
    this.#result.unanswered++
    const waitedMs = performance.now() - line.sentAt
    this.#options.onVerdict(arrival.job, { kind: 'unanswered', why, waitedMs })
  }

  #leave({ job }: Arrival<Job>): void {
    this.#result.unsent++
    this.#options.onVerdict(job, { kind: 'unsent' })
  }

  async #open(line: Line<Job>): Promise<void> {
    try {
      const connection: Connection = await Connection.open(
        this.#options.port,
        (answer) => this.#answered(line, connection, answer),
        () => this.#closed(line, connection),
      )
      if (this.#isOver) {
        connection.end()
        return
      }
      line.connection = connection
      this.#isFree(line, performance.now())
    } catch {
      const { retryConnectMs } = this.#options
      if (retryConnectMs === undefined) this.#linesLeft--
      else if (!this.#isOver) setTimeout(() => void this.#open(line), retryConnectMs)
    }
  }

  #giveUpRest(): void {
    this.#isOver = true
    for (const line of this.#lines) {
      this.#unanswered(line, 'late')
      line.connection?.end()
    }
    for (const arrival of this.#queue) this.#leave(arrival)
  }
}

/** The server says that it takes no more on this connection. */
const CLOSES = /\r\nconnection: close\r\n/i

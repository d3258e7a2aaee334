import { setTimeout as wait } from 'node:timers/promises'
import type { NodeProcess } from './node-process.ts'
import type { Sender } from './sender.ts'

/**
 * Load at one rate until it is stopped, on a node whose front door may be away for a while. It ends with its node, unless it
 * is to outlive it: then another is expected at the same port.
 */
const RETRY_CONNECT_MS = 20
const POLL_MS = 10
const WAIT_MS_MAX = 30_000

export class SteadyLoad {
  accepted = 0
  refused = 0
  unknown = 0
  readonly #over = new AbortController()
  readonly #loop: Promise<unknown>

  constructor(
    node: NodeProcess,
    sender: Sender,
    round: number,
    ratePerSecond: number,
    { outlives = false }: { outlives?: boolean } = {},
  ) {
    if (!outlives) void node.ended.then(() => this.#over.abort())
    this.#loop = sender.load({
      port: node.httpPort,
      round,
      ratePerSecond,
      durationMs: Number.POSITIVE_INFINITY,
      signal: this.#over.signal,
      retryConnectMs: RETRY_CONNECT_MS,
      onVerdict: ({ verdict }) => {
        this[verdict]++
      },
    })
  }

  /** Resolves when so many are accepted, or when that takes too long: the round is weak then. */
  async until(accepted: number): Promise<void> {
    const deadline = performance.now() + WAIT_MS_MAX
    const isDue = (): boolean => this.#over.signal.aborted || performance.now() > deadline
    while (this.accepted < accepted && !isDue()) await wait(POLL_MS)
  }

  /** Resolves when all that was sent has its verdict. */
  async stop(): Promise<void> {
    this.#over.abort()
    await this.#loop
  }
}

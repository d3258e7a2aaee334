import { type Answer, Connection } from './connection.ts'

/**
 * Closed loop: `connections` of them, each sends its next request when it has the answer to the last. Finds the highest
 * rate; its latencies are those at saturation. Ends `GRACE_MS` after its time at the latest, with what has no answer counted.
 */
export interface LoopResult {
  answered: number
  /** Sent, and without an answer when the loop gave up. */
  unanswered: number
  /** By HTTP status. */
  statuses: Record<number, number>
  seconds: number
  /** Of every answer, ms, sorted. */
  latenciesMs: Float64Array
}

const GRACE_MS = 5_000

export async function closedLoop(options: {
  port: number
  connections: number
  durationMs: number
  nextRequest(): string
}): Promise<LoopResult> {
  const { port, connections, durationMs, nextRequest } = options
  const statuses: Record<number, number> = {}
  const latencies: number[] = []
  const startedAt = performance.now()
  const endsAt = startedAt + durationMs
  const clients = await Promise.all(Array.from({ length: connections }, () => Client.open(port)))
  const finished = Promise.all(
    clients.map((client) =>
      client.run(nextRequest, ({ status }, latencyMs, now) => {
        statuses[status] = (statuses[status] ?? 0) + 1
        latencies.push(latencyMs)
        return now < endsAt
      }),
    ),
  )
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, durationMs + GRACE_MS)
  await Promise.race([finished, late])
  clearTimeout(timer)
  const seconds = (performance.now() - startedAt) / 1000
  const unanswered = clients.filter((client) => client.isWaiting).length
  for (const client of clients) client.end()
  return {
    answered: latencies.length,
    unanswered,
    statuses,
    seconds,
    latenciesMs: Float64Array.from(latencies).sort(),
  }
}

/** One connection and the request that it waits for. */
class Client {
  #connection: Connection | undefined
  #onAnswer: (answer: Answer) => void = () => {}
  #finish: () => void = () => {}
  isWaiting = false

  static async open(port: number): Promise<Client> {
    const client = new Client()
    client.#connection = await Connection.open(
      port,
      (answer) => client.#onAnswer(answer),
      () => client.#finish(),
    )
    return client
  }

  /** Sends and waits until `onAnswer` says no; resolves then, or when the connection is closed. */
  run(
    nextRequest: () => string,
    onAnswer: (answer: Answer, latencyMs: number, now: number) => boolean,
  ): Promise<void> {
    return new Promise((resolve) => {
      this.#finish = resolve
      let sentAt = 0
      const send = (now: number): void => {
        sentAt = now
        this.isWaiting = true
        this.#connection?.send(nextRequest())
      }
      this.#onAnswer = (answer) => {
        const now = performance.now()
        this.isWaiting = false
        if (onAnswer(answer, now - sentAt, now)) send(now)
        else resolve()
      }
      send(performance.now())
    })
  }

  end(): void {
    this.#connection?.end()
  }
}

/** A percentile of sorted values; NaN of none. */
export const percentile = (sorted: Float64Array, p: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))] ?? Number.NaN

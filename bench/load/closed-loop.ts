import { Connection } from './connection.ts'

/**
 * Closed loop: `connections` of them, each sends its next request when it has the answer to the last. Finds the highest
 * rate; its latencies are those at saturation.
 */
export interface LoopResult {
  answered: number
  /** By HTTP status. */
  statuses: Record<number, number>
  seconds: number
  /** Of every answer, ms, sorted. */
  latenciesMs: Float64Array
}

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
  const client = async (): Promise<void> => {
    const { promise: finished, resolve } = Promise.withResolvers<void>()
    let sentAt = 0
    const connection = await Connection.open(
      port,
      ({ status }) => {
        const now = performance.now()
        statuses[status] = (statuses[status] ?? 0) + 1
        latencies.push(now - sentAt)
        if (now >= endsAt) connection.end()
        else send(now)
      },
      resolve,
    )
    const send = (now: number): void => {
      sentAt = now
      connection.send(nextRequest())
    }
    send(performance.now())
    await finished
  }
  await Promise.all(Array.from({ length: connections }, client))
  return {
    answered: latencies.length,
    statuses,
    seconds: (performance.now() - startedAt) / 1000,
    latenciesMs: Float64Array.from(latencies).sort(),
  }
}

/** A percentile of sorted values; NaN of none. */
export const percentile = (sorted: Float64Array, p: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))] ?? Number.NaN

import { mkdtempSync, rmSync } from 'node:fs'
import { setPriority, tmpdir } from 'node:os'
import { join } from 'node:path'
import { postRequest } from './load/connection.ts'
import { lagJobs, readMetrics } from './load/metrics.ts'
import { keyOf, Mix } from './load/mix.ts'
import { startNode } from './load/node.ts'
import { type LoopVerdict, openLoop } from './load/open-loop.ts'
import { Random } from './load/random.ts'
import type { BenchResult } from './report.ts'

/**
 * One node with all roles at the rate it is meant for, for a minute: how long a request waits for its 202, counted from the
 * moment it was meant to be sent; how long a job takes from its acceptance to its row; and what memory the node takes.
 */
const RATE_PER_SECOND = 6_000
const WARM_UP_MS = 10_000
const DURATION_MS = 60_000
const CONNECTIONS = 128
const QUEUE_MAX = 10_000
const SETTLE_MS = 60_000

export async function steady(seed: number): Promise<BenchResult> {
  const directory = mkdtempSync(join(tmpdir(), 'spillway-bench-'))
  const server = await startNode(directory)
  const [httpPort = 0, operationsPort = 0] = server.ports
  // After the start of the node, which would inherit it.
  const goesFirst = goFirst()
  try {
    const mix = new Mix(seed)
    await load(httpPort, mix, WARM_UP_MS, new Random(seed))
    const before = { cpu: server.cpuSeconds(), main: server.mainThreadCpuSeconds() }
    const storedBefore = await storedHistogram(operationsPort)
    const memory: number[] = [server.anonymousMib()]
    const sampling = setInterval(() => memory.push(server.anonymousMib()), 1_000)
    const { seconds, ...measured } = await load(httpPort, mix, DURATION_MS, new Random(seed + 1))
    clearInterval(sampling)
    // What an accepted job costs includes what it costs to store it, also of those that are not stored yet.
    await drained(operationsPort)
    const cpu = { all: server.cpuSeconds() - before.cpu, main: server.mainThreadCpuSeconds() - before.main }
    const stored = difference(await storedHistogram(operationsPort), storedBefore)
    const rows = [
      {
        perSecond: measured.accepted / seconds,
        ackP50Ms: percentile(measured.latenciesMs, 50),
        ackP99Ms: percentile(measured.latenciesMs, 99),
        ackP999Ms: percentile(measured.latenciesMs, 99.9),
        storedP99MsAtMost: upperBoundMs(stored, 0.99),
        cpuUs: (cpu.all / measured.accepted) * 1e6,
        mainThreadCpuUs: (cpu.main / measured.accepted) * 1e6,
        anonymousMibAtStart: memory[0] ?? Number.NaN,
        anonymousMibAtEnd: memory.at(-1) ?? Number.NaN,
        anonymousMibMax: Math.max(...memory),
        residentMibAtEnd: server.residentMib(),
        refused: measured.refused,
        unanswered: measured.unanswered,
        unsent: measured.unsent,
      },
    ]
    const { generatorLate, generatorLatestMs, refused, unanswered, unsent } = measured
    const warnings = [
      ...(goesFirst ? [] : ['without the right to a higher priority the generator competes with the node']),
      ...(generatorLate > 0
        ? [`the generator was late with ${generatorLate} requests, by up to ${generatorLatestMs} ms`]
        : []),
      ...(refused + unanswered + unsent > 0
        ? [
            `the node did not take all of the load: ${refused} refused, ${unanswered} unanswered, ${unsent} unsent; the latencies are those of the 202s`,
          ]
        : []),
    ]
    return { name: 'steady', seed, rows, ratios: {}, warnings }
  } finally {
    await server.stop()
    rmSync(directory, { recursive: true })
  }
}

async function load(port: number, mix: Mix, durationMs: number, random: Random) {
  const latencies: number[] = []
  let accepted = 0
  let refused = 0
  const onVerdict = (_: unknown, verdict: LoopVerdict): void => {
    if (verdict.kind !== 'answered') return
    if (verdict.status !== 202) {
      refused++
      return
    }
    accepted++
    latencies.push(verdict.latencyMs)
  }
  const next = () => {
    const job = mix.next()
    return { job, request: postRequest('/v1/jobs', keyOf(job.tenant), job.body) }
  }
  const ratePerSecond = RATE_PER_SECOND
  const options = { port, connections: CONNECTIONS, ratePerSecond, durationMs, random, queueMax: QUEUE_MAX }
  const result = await openLoop({ ...options, next, onVerdict })
  const latenciesMs = Float64Array.from(latencies).sort()
  return { ...result, accepted, refused, latenciesMs }
}

const percentile = (sorted: Float64Array, p: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))] ?? Number.NaN

/** Upper bound in s → jobs up to it, of all pools and tiers. */
type Histogram = ReadonlyMap<number, number>

async function storedHistogram(port: number): Promise<Histogram> {
  const buckets = new Map<number, number>()
  const line = /^spillway_accept_to_stored_seconds_bucket\{.*le="([^"]+)".*\} (\d+)$/gm
  for (const [, le, count] of (await readMetrics(port)).matchAll(line)) {
    const bound = le === '+Inf' ? Number.POSITIVE_INFINITY : Number(le)
    buckets.set(bound, (buckets.get(bound) ?? 0) + Number(count))
  }
  return buckets
}

const difference = (after: Histogram, before: Histogram): Histogram =>
  new Map([...after].map(([bound, count]) => [bound, count - (before.get(bound) ?? 0)]))

/** The bound of the bucket that the quantile lies in. */
function upperBoundMs(histogram: Histogram, quantile: number): number {
  const bounds = [...histogram].sort(([a], [b]) => a - b)
  const total = bounds.at(-1)?.[1] ?? 0
  return 1000 * (bounds.find(([, count]) => count >= quantile * total)?.[0] ?? Number.NaN)
}

/** What takes longest to be stored must be counted too. */
async function drained(port: number): Promise<void> {
  const endsAt = performance.now() + SETTLE_MS
  for (;;) {
    const lag = await lagJobs(port)
    if (lag === 0) return
    if (performance.now() > endsAt) throw new Error(`after ${SETTLE_MS} ms ${lag} jobs are not finished`)
    await new Promise((wake) => setTimeout(wake, 200))
  }
}

/** On cores that it shares with the node, a generator that waits for its turn measures its own lateness. */
function goFirst(): boolean {
  try {
    setPriority(GENERATOR_PRIORITY)
    return true
  } catch {
    return false
  }
}

const GENERATOR_PRIORITY = -10

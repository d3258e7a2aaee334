import type { ServerProcess } from '../load/child.ts'
import { readMetrics } from '../load/metrics.ts'

/**
 * How fast a node settles jobs and what CPU each takes, seen from outside: the counters of `/metrics` and of the kernel,
 * read a few times a second. What lies outside the window of jobs (warm-up, the slow pools' rest) is not counted.
 */
export interface DrainRate {
  storedPerSecond: number
  /** Of all threads. */
  cpuUs: number
  mainThreadCpuUs: number
  residentMib: number
}

interface Sample {
  atMs: number
  settled: number
  cpuSeconds: number
  mainSeconds: number
}

const SAMPLE_EVERY_MS = 200
/** Without a job settled for so long, nothing will come. */
const STUCK_AFTER_MS = 60_000

/** `operationsPort`: of the node that is `server`. Resolves when `toJobs` have been settled, or `until` has resolved. */
export async function drainRate(
  server: ServerProcess,
  operationsPort: number,
  { fromJobs, toJobs, until }: { fromJobs: number; toJobs: number; until?: Promise<unknown> },
): Promise<DrainRate> {
  let first: Sample | undefined
  let isOver = false
  void until?.then(() => {
    isOver = true
  })
  let progressed: Sample | undefined
  for (;;) {
    const sample = await sampleOf(server, operationsPort)
    if (first === undefined && sample.settled >= fromJobs) first = sample
    if (first && (sample.settled >= toJobs || isOver)) return between(first, sample, server.residentMib())
    if (isOver && !first)
      throw new Error(
        `the load was over when the node had settled ${sample.settled} jobs, before its window began at ${fromJobs}: nothing was measured; take more jobs, or a window that begins earlier`,
      )
    if (sample.settled !== progressed?.settled) progressed = sample
    else if (sample.atMs - progressed.atMs > STUCK_AFTER_MS)
      throw new Error(`the node has settled ${sample.settled} jobs and goes on no more`)
    await new Promise((wake) => setTimeout(wake, SAMPLE_EVERY_MS))
  }
}

function between(first: Sample, last: Sample, residentMib: number): DrainRate {
  const jobs = last.settled - first.settled
  if (jobs === 0)
    throw new Error(
      `all of the window, to ${last.settled} jobs, was settled between two looks at the counters: nothing was measured; take more jobs`,
    )
  return {
    storedPerSecond: (jobs / (last.atMs - first.atMs)) * 1000,
    cpuUs: ((last.cpuSeconds - first.cpuSeconds) / jobs) * 1e6,
    mainThreadCpuUs: ((last.mainSeconds - first.mainSeconds) / jobs) * 1e6,
    residentMib,
  }
}

async function sampleOf(server: ServerProcess, operationsPort: number): Promise<Sample> {
  const settled = settledIn(await readMetrics(operationsPort))
  return {
    atMs: performance.now(),
    settled,
    cpuSeconds: server.cpuSeconds(),
    mainSeconds: server.mainThreadCpuSeconds(),
  }
}

const settledIn = (metrics: string): number =>
  metrics
    .matchAll(/^spillway_jobs_settled_total\{[^}]*\} (\d+)$/gm)
    .reduce((sum, [, count]) => sum + Number(count), 0)

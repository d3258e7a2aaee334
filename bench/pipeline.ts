import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ServerProcess } from './load/child.ts'
import { postRequest } from './load/connection.ts'
import { keyOf, Mix } from './load/mix.ts'
import { dataDirIn, startNode } from './load/node.ts'
import { openLoop } from './load/open-loop.ts'
import { Random } from './load/random.ts'
import { fillLog } from './pipeline/backlog.ts'
import { type DrainRate, drainRate } from './pipeline/drain-rate.ts'
import { stageShares } from './pipeline/profile.ts'
import type { BenchResult, Row } from './report.ts'

/**
 * How many jobs a second a node takes from its log to its job table, on the embedded parts, beside what the database alone
 * takes of the same commits. Each in a process of its own, in turn and several times: the ratio of the medians decides.
 *
 *     database alone     the commits of pool A's jobs, made beforehand
 *     backlog            the pools of a node, on a log that was filled before
 *     with accepts       all roles, while jobs are accepted at a fixed rate
 *     without store      pool A's jobs alone, with a job table that takes everything: what the pipeline itself costs
 *
 * One job in a thousand of the mix streams an answer from a model and one in three hundred calls a CRM. Their CPU time is in
 * the figures of the mix; above 30,000/s their simulators alone would fill a core, hence pool A alone without a store.
 */
const ROUNDS = 3
const JOBS = { alone: 60_000, backlog: 80_000, accepting: 120_000, withoutStore: 200_000, profiled: 80_000 }
/** Of the backlog: what is stored before and after is not measured. */
const FROM_SHARE = 0.15
const TO_SHARE = 0.95
const ACCEPTS_PER_SECOND = 3_000
const ACCEPTING_MS = 6_000
const CONNECTIONS = 256
const POOLS = ['--node-roles', 'pool-a,pool-b,pool-c']
const NODE = ['supervisors/spillway.mjs', 'start']
const NODE_WITHOUT_STORE = ['bench/pipeline/node-without-store.ts']
const OPERATIONS = /operations +http:\S+:(\d+)\//
const POOL_A_ONLY = { kinds: [1] }

type Accepting = DrainRate & { acceptedPerSecond: number; refused: number }

export async function pipeline(seed: number): Promise<BenchResult> {
  const alone: number[] = []
  const backlog: DrainRate[] = []
  const accepting: Accepting[] = []
  const withoutStore: DrainRate[] = []
  for (let round = 0; round < ROUNDS; round++) {
    alone.push(databaseAlone(seed))
    backlog.push(await drained(NODE, JOBS.backlog, new Mix(seed)))
    withoutStore.push(await drained(NODE_WITHOUT_STORE, JOBS.withoutStore, new Mix(seed, POOL_A_ONLY)))
    accepting.push(await drainedWhileAccepting(seed))
  }
  const aloneRate = alone.sort((a, b) => a - b)[Math.floor(alone.length / 2)] ?? 0
  const [stored, beside, without] = [median(backlog), median(accepting), median(withoutStore)]
  return {
    name: 'pipeline',
    seed,
    rows: [
      { subject: 'database alone', storedPerSecond: aloneRate },
      { subject: 'backlog', ...stored },
      { subject: 'with accepts', ...beside },
      { subject: 'without store', ...without },
    ],
    tables: {
      'CPU of a backlog by thread and stage, us per job, while it is profiled': await profiled(seed),
    },
    ratios: {
      'backlog / database alone': stored.storedPerSecond / aloneRate,
      'with accepts / database alone': beside.storedPerSecond / aloneRate,
    },
    warnings: beside.refused > 0 ? [`${beside.refused} of the jobs sent were not accepted`] : [],
  }
}

/** The round in the middle, by its rate. */
function median<Rate extends DrainRate>(rounds: readonly Rate[]): Rate {
  const sorted = rounds.toSorted((a, b) => a.storedPerSecond - b.storedPerSecond)
  const middle = sorted[Math.floor(sorted.length / 2)]
  if (!middle) throw new Error('nothing was measured')
  return middle
}

function databaseAlone(seed: number): number {
  return inDirectory((directory) => {
    const args = ['bench/pipeline/store-alone.ts', directory, String(JOBS.alone), String(seed)]
    const rate = Number(execFileSync(process.execPath, args, { encoding: 'utf8' }))
    if (!(rate > 0)) throw new Error('bench/pipeline/store-alone.ts did not print a rate')
    return rate
  })
}

/** `nodeFlags`: of Node itself. */
function drained(entry: readonly string[], jobs: number, mix: Mix, nodeFlags: readonly string[] = []) {
  return inDirectory(async (directory) => {
    await fillLog(directory, jobs, mix)
    const ports = ['--operations-port', '0']
    const args = [...nodeFlags, ...entry, '--data-dir', directory, ...POOLS, ...ports]
    const server = await ServerProcess.start(args, OPERATIONS)
    const rate = await drainRate(server, server.port, {
      fromJobs: jobs * FROM_SHARE,
      toJobs: jobs * TO_SHARE,
    })
    await server.stop()
    return rate
  })
}

function drainedWhileAccepting(seed: number): Promise<Accepting> {
  return inDirectory(async (directory) => {
    const mix = new Mix(seed)
    await fillLog(dataDirIn(directory), JOBS.accepting, mix)
    const requests = Array.from({ length: (ACCEPTS_PER_SECOND * ACCEPTING_MS * 1.1) / 1000 }, () => {
      const { tenant, body } = mix.next()
      return postRequest('/v1/jobs', keyOf(tenant), body)
    })
    const server = await startNode(directory)
    let refused = 0
    const load = openLoop({
      port: server.port,
      connections: CONNECTIONS,
      ratePerSecond: ACCEPTS_PER_SECOND,
      durationMs: ACCEPTING_MS,
      random: new Random(seed),
      queueMax: requests.length,
      next: () => ({ job: undefined, request: requests.pop() ?? '' }),
      onVerdict: (_, verdict) => {
        if (verdict.kind !== 'answered' || verdict.status !== 202) refused++
      },
    })
    const window = { fromJobs: JOBS.accepting * FROM_SHARE, toJobs: JOBS.accepting * TO_SHARE, until: load }
    const rate = await drainRate(server, server.ports[1] ?? 0, window)
    const { arrived, seconds } = await load
    await server.stop()
    return { ...rate, acceptedPerSecond: (arrived - refused) / seconds, refused }
  })
}

/** A run of its own: the profiler costs CPU time too. */
function profiled(seed: number): Promise<Row[]> {
  return inDirectory(async (directory) => {
    await drained(NODE, JOBS.profiled, new Mix(seed), ['--cpu-prof', `--cpu-prof-dir=${directory}`])
    return stageShares(directory).map(({ thread, stage, seconds }) => ({
      thread,
      stage,
      usPerJob: (seconds / JOBS.profiled) * 1e6,
    }))
  })
}

function inDirectory<Result>(run: (directory: string) => Result): Result {
  const directory = mkdtempSync(join(tmpdir(), 'spillway-bench-'))
  const remove = (): void => rmSync(directory, { recursive: true, force: true })
  const result = run(directory)
  if (result instanceof Promise) return result.finally(remove) as Result
  remove()
  return result
}

import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import type { Judgement } from './judge.ts'
import { THREAD_HOWS } from './kill-threads.ts'
import { ALL_POOLS_BUSY, threadsPerPool } from './kills.ts'
import type { NodeProcess } from './node-process.ts'
import { onOneNode } from './one-node.ts'
import { isAtRest, type OperationsPort, poolThreads } from './operations-port.ts'
import type { Scenario } from './scenario.ts'
import { SteadyLoad } from './steady-load.ts'

/**
 * Threads are killed as fast as they come back, thousands of them: what a killed thread leaves behind adds up. Compared is
 * the node at rest after a tenth of the kills, by when all that is allocated once has been, and at rest after all of them.
 */
const THREADS_PER_POOL = 4
const RATE_PER_SECOND = 50
const KILL_EVERY_MS = 20
const REST_MS_MAX = 120_000
const SETTLE_MS = 3_000
const SAID_EVERY = 200
/** A thread of Node's own, or a descriptor of a connection, may come and go; a leak would be one per kill. */
const SLACK = 12
/** The claims of the jobs that were accepted meanwhile are some; a leaked thread would be tens of MiB. */
const GROWTH_MIB_MAX = 64

export interface Footprint {
  kills: number
  threads: number
  descriptors: number
  anonymousMib: number
}

export const killLeaks: Scenario = (options) => {
  const { rounds, how = 'kill', say } = options
  const flags = threadsPerPool(THREADS_PER_POOL)
  return onOneNode(options, { flags, workload: ALL_POOLS_BUSY }, async (given) => {
    const { node, port, sender, random, judgements } = given
    const seen: Footprint[] = []
    for (const until of [Math.ceil(rounds / 10), rounds]) {
      const load = new SteadyLoad(node, sender, seen.length + 1, RATE_PER_SECOND)
      for (let kills = seen.at(-1)?.kills ?? 0; kills < until; ) {
        const up = poolThreads(await port.actors()).filter(({ status }) => status === 'running')
        const victim = up[random.below(up.length)]
        const way = how === 'mixed' ? THREAD_HOWS[random.below(THREAD_HOWS.length)] : how
        if (
          victim &&
          way &&
          'incarnation' in (await port.kill(victim.path, way)) &&
          ++kills % SAID_EVERY === 0
        )
          say(`${kills} kills: ${describe(footprint(node, kills))}`)
        await wait(KILL_EVERY_MS)
      }
      await load.stop()
      seen.push(await atRest(node, port, until))
      say(`at rest after ${until} kills: ${describe(seen.at(-1))}`)
    }
    judgements.push(judgeLeaks(seen))
  })
}

async function atRest(node: NodeProcess, port: OperationsPort, kills: number): Promise<Footprint> {
  if (!(await port.until(isAtRest, REST_MS_MAX))) throw new Error(`not at rest within ${REST_MS_MAX} ms`)
  await wait(SETTLE_MS)
  return footprint(node, kills)
}

function footprint({ pid }: NodeProcess, kills: number): Footprint {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return {
    kills,
    threads: readdirSync(`/proc/${pid}/task`).length,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    anonymousMib: Number(/RssAnon:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1024,
  }
}

/** Pure. */
export function judgeLeaks(seen: readonly Footprint[]): Judgement {
  const [first, last] = [seen[0], seen.at(-1)]
  if (!first || !last) throw new Error('nothing was measured')
  const more = (what: 'threads' | 'descriptors', max: number): string[] =>
    last[what] - first[what] > max
      ? [`${last[what] - first[what]} more ${what} than after ${first.kills} kills`]
      : []
  const grownMib = last.anonymousMib - first.anonymousMib
  return {
    promise: 'leaks',
    summary: `at rest after ${first.kills} kills ${describe(first)}; after ${last.kills} ${describe(last)}`,
    offences: [
      ...more('threads', SLACK),
      ...more('descriptors', SLACK),
      ...(grownMib > GROWTH_MIB_MAX
        ? [`${grownMib.toFixed(0)} MiB more memory than after ${first.kills} kills, above ${GROWTH_MIB_MAX}`]
        : []),
    ],
  }
}

const describe = (of: Footprint | undefined): string =>
  of ? `${of.threads} threads, ${of.descriptors} descriptors, ${of.anonymousMib.toFixed(0)} MiB` : ''

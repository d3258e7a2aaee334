import { setTimeout as wait } from 'node:timers/promises'
import { BOUNDS } from '../../runtime/config/bounds.ts'
import type { Judgement } from './judge.ts'
import {
  ALL_POOLS_BUSY,
  backMsOf,
  judgeKills,
  type KillFact,
  killAll,
  quantile,
  threadsPerPool,
} from './kills.ts'
import { onOneNode } from './one-node.ts'
import { isAtRest, poolThreads } from './operations-port.ts'
import type { Scenario } from './scenario.ts'
import { SteadyLoad } from './steady-load.ts'

/**
 * One thread after the other is killed under load: from the kill to its replacement having received jobs. Each is left
 * alone for longer than the back-off of its supervisor remembers, so that what is measured is a first restart.
 */
/** With more, jobs would go to the others first. */
const THREADS_PER_POOL = 1
const RATE_PER_SECOND = 400
const BACK_OFF_RESET_MS = BOUNDS.pool.threadRestartResetMs
const REST_MS_MAX = 60_000
const POLL_MS = 2
const P99_MS_MAX = 150
const SAID_EVERY = 20
/** Below, the 99th percentile is that of a few. */
const KILLS_MIN = 100

export const killToServing: Scenario = (options) => {
  const { rounds, say } = options
  const flags = threadsPerPool(THREADS_PER_POOL)
  return onOneNode(options, { flags, workload: ALL_POOLS_BUSY }, async (given) => {
    const { node, port, sender, judgements, weaknesses } = given
    const facts: KillFact[] = []
    const load = new SteadyLoad(node, sender, 1, RATE_PER_SECOND)
    const threads = poolThreads((await port.until(isAtRest, REST_MS_MAX)) ?? [])
    const everyMs = (1.5 * BACK_OFF_RESET_MS) / threads.length
    for (let order = threads.slice(); facts.length < rounds; ) {
      if (order.length === 0) order = threads.slice()
      const startedAt = performance.now()
      // In turn: each has had its time.
      const actor = order.shift()
      if (!actor) throw new Error('the node has no threads')
      const isBack = ({ handled = 0 }): boolean => handled > 0
      const victims = [{ actor, how: 'kill' as const }]
      facts.push(...(await killAll(port, facts.length + 1, victims, { isBack, everyMs: POLL_MS })))
      if (facts.length % SAID_EVERY === 0) say(`${facts.length} kills: ${servingOf(facts)}`)
      await wait(Math.max(0, everyMs - (performance.now() - startedAt)))
    }
    await load.stop()
    judgements.push(judgeKills(facts), judgeServing(facts))
    if (facts.length < KILLS_MIN) weaknesses.push(`${facts.length} kills are too few for a 99th percentile`)
  })
}

/** Pure. */
export function judgeServing(facts: readonly KillFact[]): Judgement {
  const p99 = quantile(backMsOf(facts), 0.99)
  return {
    promise: 'serving',
    summary: `${facts.length} kills, from the kill to a replacement that has jobs: ${servingOf(facts)}`,
    offences: p99 <= P99_MS_MAX ? [] : [`p99 is ${p99.toFixed(0)} ms, above ${P99_MS_MAX} ms`],
  }
}

function servingOf(facts: readonly KillFact[]): string {
  const values = backMsOf(facts)
  return [0.5, 0.9, 0.99]
    .map((share) => `p${share * 100} ${quantile(values, share).toFixed(0)} ms`)
    .join(', ')
}

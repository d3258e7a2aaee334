import { setTimeout as wait } from 'node:timers/promises'
import type { How } from '../../actors/inspector/kill.ts'
import type { Random } from '../load/random.ts'
import { backMsOf, judgeKills, type KillFact, killAll, spread } from './kills.ts'
import { onOneNode } from './one-node.ts'
import { isAtRest, type OperationsPort, poolThreads } from './operations-port.ts'
import type { Scenario } from './scenario.ts'
import { SteadyLoad } from './steady-load.ts'

/**
 * A share of the threads of all pools is ended under load, at once, round after round: chosen by the seed, at an instant
 * that the seed chooses, when those of the round before are back.
 */
const SHARE = 0.3
const ACCEPTED_MIN = 500
const RATE_PER_SECOND = 1_000
const FLAGS = ['--pools-a-threads', '4', '--pools-b-threads', '2', '--pools-c-threads', '2']
/** Those that take their time: so a thread has work when it ends. */
const STEP_SHARE = 0.5
const KILL_AFTER_MS_MAX = 500
const REST_MS_MAX = 60_000
/** What a thread can be ended by; `stop` would let it finish. */
export const THREAD_HOWS = ['kill', 'exception', 'busy-loop', 'heap', 'exit'] as const

export const killThreads: Scenario = (options) => {
  const { rounds, acceptedMin = ACCEPTED_MIN, share = SHARE, how = 'mixed', say } = options
  const workload = { stepShare: STEP_SHARE }
  return onOneNode(options, { flags: FLAGS, workload }, async (given) => {
    const { node, port, sender, random, judgements, weaknesses } = given
    const facts: KillFact[] = []
    let lostJobs = 0
    node.hear((line) => {
      lostJobs += Number(/"lostJobs":(\d+)/.exec(line)?.[1] ?? 0)
    })
    for (let round = 1; round <= rounds; round++) {
      const load = new SteadyLoad(node, sender, round, RATE_PER_SECOND)
      const lostBefore = lostJobs
      await load.until(acceptedMin / 2)
      await wait(random.next() * KILL_AFTER_MS_MAX)
      const victims = (await chosen(port, random, share)).map((actor) => ({
        actor,
        how: how === 'mixed' ? (THREAD_HOWS[random.below(THREAD_HOWS.length)] as How) : how,
      }))
      const found = await killAll(port, round, victims)
      await load.until(acceptedMin)
      await load.stop()
      facts.push(...found)
      await sender.again(node.httpPort, round)
      const isQuiet = await port.until(isAtRest, REST_MS_MAX)
      if (load.accepted < acceptedMin)
        weaknesses.push(`round ${round}: only ${load.accepted} of ${acceptedMin} jobs accepted`)
      say(
        `round ${round}: ${load.accepted} accepted, ${load.refused} refused; ${victims.map(({ actor, how }) => `${shortOf(actor.path)} ${how}`).join(', ')}; ${lostJobs - lostBefore} jobs lost their thread; back ${spread(backMsOf(found))}`,
      )
      if (!isQuiet) break
    }
    judgements.push(judgeKills(facts))
    if (lostJobs === 0) weaknesses.push('no thread that was ended had a job')
  })
}

/** Of the threads of all pools so many, one at the least, when all of them are at work. */
async function chosen(port: OperationsPort, random: Random, share: number) {
  const actors = await port.until(isAtRest, REST_MS_MAX)
  if (!actors) throw new Error(`the tree is not at rest within ${REST_MS_MAX} ms`)
  const threads = poolThreads(actors)
  const count = Math.max(1, Math.round(threads.length * share))
  return Array.from({ length: count }, () => threads.splice(random.below(threads.length), 1)).flat()
}

const shortOf = (path: string): string => path.replace('/node/pools/', '').replace('/threads/thread-', '.')

import { setTimeout as wait } from 'node:timers/promises'
import type { How } from '../../actors/inspector/kill.ts'
import type { Random } from '../load/random.ts'
import { backMsOf, judgeKills, type KillFact, killAll, spread } from './kills.ts'
import { onOneNode } from './one-node.ts'
import { isAtRest, type OperationsPort, type TreeNode } from './operations-port.ts'
import type { Scenario } from './scenario.ts'
import { SteadyLoad } from './steady-load.ts'

/**
 * Every actor below the root is ended once in each round, supervisors and threads included, in an order and at instants that
 * the seed chooses, one after the other under load: what depends on it goes down with it, and all of it comes back. None
 * is ended before its supervisor can afford the restart: a budget that is spent is meant to end its tree.
 */
const ACCEPTED_MIN = 500
const RATE_PER_SECOND = 500
const KILL_AFTER_MS_MAX = 100
const REST_MS_MAX = 60_000
export const ACTOR_HOWS = ['kill', 'stop', 'exception'] as const

export const killActors: Scenario = (options) => {
  const { rounds, acceptedMin = ACCEPTED_MIN, share = 1, how = 'mixed', say } = options
  return onOneNode(options, {}, async ({ node, port, sender, random, judgements, weaknesses }) => {
    const facts: KillFact[] = []
    for (let round = 1; round <= rounds; round++) {
      const load = new SteadyLoad(node, sender, round, RATE_PER_SECOND)
      await load.until(Math.min(acceptedMin, RATE_PER_SECOND / 10))
      const found: KillFact[] = []
      const below = (await port.actors()).slice(1)
      const paths = shuffled(
        below.map(({ path }) => path),
        random,
      )
      for (const path of paths.slice(0, Math.ceil(paths.length * share))) {
        const actor = await affordable(port, path)
        await wait(random.next() * KILL_AFTER_MS_MAX)
        const way = how === 'mixed' ? (ACTOR_HOWS[random.below(ACTOR_HOWS.length)] as How) : how
        // A supervisor is ended from outside only.
        const fit = actor.type === 'supervisor' && way === 'exception' ? 'kill' : way
        const [fact] = await killAll(port, round, [{ actor, how: fit }])
        if (fact) found.push(fact)
      }
      await load.until(acceptedMin)
      await load.stop()
      facts.push(...found)
      await port.until(isAtRest, REST_MS_MAX)
      const again = await sender.again(node.httpPort, round)
      if (load.accepted < acceptedMin)
        weaknesses.push(`round ${round}: only ${load.accepted} of ${acceptedMin} jobs accepted`)
      say(
        `round ${round}: ${load.accepted} accepted, ${load.refused} refused, ${load.unknown} without an answer; ${found.length} actors ended, back ${spread(backMsOf(found))}; ${again} sent again`,
      )
    }
    judgements.push(judgeKills(facts))
  })
}

/** The actor, when all of the tree is up and its supervisor can restart it without giving up. */
async function affordable(port: OperationsPort, path: string): Promise<TreeNode> {
  const parent = path.slice(0, path.lastIndexOf('/'))
  const actors = await port.until((actors) => {
    const { budget } = actors.find((actor) => actor.path === parent) ?? {}
    return isAtRest(actors) && (!budget || budget.used < (budget.intensity ?? Number.POSITIVE_INFINITY))
  }, REST_MS_MAX)
  const actor = actors?.find((one) => one.path === path)
  if (!actor) throw new Error(`the tree is not at rest within ${REST_MS_MAX} ms, or ${path} is gone`)
  return actor
}

const shuffled = <Item>(items: Item[], random: Random): Item[] =>
  Array.from({ length: items.length }, () => items.splice(random.below(items.length), 1)).flat()

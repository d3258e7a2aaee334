import { HOWS, type How } from '../../actors/inspector/kill.ts'
import { POOLS } from '../../runtime/job/lane.ts'
import type { Judgement } from './judge.ts'
import type { OperationsPort, TreeNode } from './operations-port.ts'
import type { WorkloadOptions } from './workload.ts'

/** An actor that was ended, and when it was back. */
export interface KillFact {
  round: number
  path: string
  how: How
  /** From the request to the next incarnation being at work; undefined when it was not in time. */
  backMs: number | undefined
}

const BACK_MS_MAX = 60_000

/** Jobs for the threads of every pool, none of which fails or leaves the process. */
export const ALL_POOLS_BUSY: WorkloadOptions = {
  stepShare: 0.3,
  tickShare: 0.6,
  withoutUpstreams: true,
  withFailures: false,
}

export const threadsPerPool = (threads: number): string[] =>
  POOLS.flatMap((pool) => [`--pools-${pool}-threads`, String(threads)])

/** Ends actors all at once, and waits until each of them is back. `isBack` says what that is, beside its running anew. */
export async function killAll(
  port: OperationsPort,
  round: number,
  victims: readonly { actor: TreeNode; how: How }[],
  { isBack = () => true, everyMs = 10 }: { isBack?: (actor: TreeNode) => boolean; everyMs?: number } = {},
): Promise<KillFact[]> {
  const startedAt = performance.now()
  const answers = await Promise.all(
    victims.map(async ({ actor, how }) => {
      try {
        return await port.kill(actor.path, how)
      } catch {
        // The operations actor itself cuts its answer.
        return { incarnation: actor.incarnation }
      }
    }),
  )
  const facts: KillFact[] = []
  const waiting = new Map<string, { how: How; incarnation: number }>()
  for (const [i, { actor, how }] of victims.entries()) {
    const answer = answers[i]
    if (answer && 'incarnation' in answer) waiting.set(actor.path, { how, incarnation: answer.incarnation })
  }
  const take = (actors: readonly TreeNode[]): boolean => {
    for (const actor of actors) {
      const victim = waiting.get(actor.path)
      if (!victim || actor.status !== 'running' || actor.incarnation <= victim.incarnation || !isBack(actor))
        continue
      waiting.delete(actor.path)
      facts.push({ round, path: actor.path, how: victim.how, backMs: performance.now() - startedAt })
    }
    return waiting.size === 0
  }
  await port.until(take, BACK_MS_MAX, everyMs)
  for (const [path, { how }] of waiting) facts.push({ round, path, how, backMs: undefined })
  return facts
}

/** What is killed is back, by its supervisor and without help. Pure. */
export function judgeKills(facts: readonly KillFact[]): Judgement {
  const times = HOWS.flatMap((how) => {
    const of = facts.filter((fact) => fact.how === how)
    return of.length > 0 ? [`${how} ${of.length} × (${spread(backMsOf(of))})`] : []
  })
  return {
    promise: 'back',
    summary: `${facts.length} ended, each back: ${times.join(', ')}`,
    offences: facts
      .filter(({ backMs }) => backMs === undefined)
      .map(
        ({ round, path, how }) =>
          `round ${round}: ${path} was ended by ${how}, and is not back after ${BACK_MS_MAX} ms`,
      ),
  }
}

export const backMsOf = (facts: readonly KillFact[]): number[] => facts.flatMap(({ backMs }) => backMs ?? [])

/** `p50 62 ms, p99 118 ms`. */
export const spread = (values: readonly number[]): string =>
  `p50 ${quantile(values, 0.5).toFixed(0)} ms, p99 ${quantile(values, 0.99).toFixed(0)} ms`

/** By the nearest rank. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? Number.NaN
}

import type { Random } from '../../../bench/load/random.ts'
import type { Restart } from '../../../runtime/supervision/child-spec.ts'
import { STRATEGIES, type Strategy } from '../../../runtime/supervision/group-restart.ts'

/** A supervision tree as plain data: what the runtime is built from, and the model. */
export type Plan = LeafPlan | SupervisorPlan

export interface LeafPlan {
  kind: 'leaf'
  id: string
  path: string
  restart: Restart
}

export interface SupervisorPlan {
  kind: 'supervisor'
  id: string
  path: string
  restart: Restart
  strategy: Strategy
  intensity: { intensity: number; periodMs: number }
  children: Plan[]
}

const RESTARTS: readonly Restart[] = ['permanent', 'permanent', 'transient', 'temporary']
const PERIODS_MS = [100, 1_000, 10_000]
const DEPTH_MAX = 3

export function randomTree(random: Random): SupervisorPlan {
  let count = 0
  const restart = (): Restart => RESTARTS[random.below(RESTARTS.length)] ?? 'permanent'
  const supervisor = (path: string, depth: number): SupervisorPlan => ({
    kind: 'supervisor',
    id: path.slice(path.lastIndexOf('/') + 1),
    path,
    restart: restart(),
    strategy: STRATEGIES[random.below(STRATEGIES.length)] ?? 'one_for_one',
    intensity: { intensity: random.below(4), periodMs: PERIODS_MS[random.below(PERIODS_MS.length)] ?? 100 },
    children: Array.from({ length: 1 + random.below(4) }, () => child(path, depth)),
  })
  const child = (parent: string, depth: number): Plan => {
    const number = ++count
    if (depth < DEPTH_MAX && random.next() < 0.35) return supervisor(`${parent}/s${number}`, depth + 1)
    const id = `c${number}`
    return { kind: 'leaf', id, path: `${parent}/${id}`, restart: restart() }
  }
  return supervisor('/root', 1)
}

export function leavesOf(plan: Plan): LeafPlan[] {
  return plan.kind === 'leaf' ? [plan] : plan.children.flatMap(leavesOf)
}

export function supervisorsOf(plan: Plan): SupervisorPlan[] {
  return plan.kind === 'leaf' ? [] : [plan, ...plan.children.flatMap(supervisorsOf)]
}

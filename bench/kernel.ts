import { ActorSystem } from '../runtime/actor/actor-system.ts'
import { BOUNDS } from '../runtime/config/bounds.ts'
import { createLogger } from '../runtime/observe/logger.ts'
import { actorBatchesPerSecond, bareBatchesPerSecond } from './kernel/batch-rates.ts'
import { stopMs } from './kernel/stop-children.ts'
import { tellUs } from './kernel/tell-cost.ts'
import type { BenchResult } from './report.ts'

/**
 * What actors cost beside the bare means of Node: a message to an actor on the same thread, batches of jobs to a thread and
 * their reports back, and how the stop of a dynamic supervisor grows with its children. Side by side, a few rounds: the best of them, and for
 * stops, which depend on what the garbage collector does meanwhile, the middle one.
 */
const ROUNDS = 5
const FEW_CHILDREN = 1_000
const MANY_CHILDREN = 10_000

export async function kernel(seed: number): Promise<BenchResult> {
  const system = new ActorSystem({ log: createLogger('error', 'json'), ...BOUNDS.kernel })
  const rounds = {
    tell: [] as number[],
    bare: [] as number[],
    actor: [] as number[],
    few: [] as number[],
    many: [] as number[],
  }
  for (let round = 0; round < ROUNDS; round++) {
    rounds.tell.push(await tellUs(system))
    rounds.bare.push(await bareBatchesPerSecond())
    rounds.actor.push(await actorBatchesPerSecond(system))
    rounds.few.push(await stopMs(system, FEW_CHILDREN))
    rounds.many.push(await stopMs(system, MANY_CHILDREN))
  }
  const [bare, actor] = [Math.max(...rounds.bare), Math.max(...rounds.actor)]
  const [few, many] = [middle(rounds.few), middle(rounds.many)]
  return {
    name: 'kernel',
    seed,
    rows: [
      { subject: 'tell and handle', us: Math.min(...rounds.tell) },
      { subject: 'batch of 64 jobs, bare postMessage', us: 1e6 / bare },
      { subject: 'batch of 64 jobs, thread actor', us: 1e6 / actor },
      { subject: `stop ${FEW_CHILDREN} dynamic children`, us: few * 1000 },
      { subject: `stop ${MANY_CHILDREN} dynamic children`, us: many * 1000 },
    ],
    ratios: {
      'thread actor / bare postMessage, in batches per second': actor / bare,
      'stop of 10,000 / of 1,000': many / few,
    },
    warnings: [],
  }
}

const middle = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

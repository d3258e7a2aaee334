import type { Judgement } from './judge.ts'
import { quantile } from './kills.ts'

/** What was seen of one trouble of pool C, and of pool A meanwhile. */
export interface Trouble {
  round: number
  way: string
  seconds: number
  /** Of A, in ms from accepted to stored: while C was in trouble, and beside a process that burned as much. */
  storedMs: readonly number[]
  besideBurnerMs: readonly number[]
  /** CPU that C's trouble took, in cores. */
  cores: number
  /** Starts of C's threads, and of the supervisors above them, meanwhile. */
  threadStarts: number
  supervisorStarts: number
  /** From the repair to C having done all its jobs; undefined when it did not. */
  backMs: number | undefined
}

const RATIO_MAX = 1.2
/** A thread is up within 100 ms: without back-off a crash loop starts it ten times a second. */
const STARTS_PER_SECOND_MAX = 5
/** A thread that dies is its job's fault; that none comes up is for those above to decide. */
const ESCALATES = 'boot'
const SAMPLES_MIN = 500

/** Pure. */
export function judgeBulkhead(found: readonly Trouble[]): Judgement[] {
  return [atItsSpeed(found), held(found), mended(found)]
}

/** S7: A's p99 from accepted to stored, over all rounds, against that beside an unrelated process. */
function atItsSpeed(found: readonly Trouble[]): Judgement {
  const inTrouble = quantile(
    found.flatMap(({ storedMs }) => storedMs),
    0.99,
  )
  const beside = quantile(
    found.flatMap(({ besideBurnerMs }) => besideBurnerMs),
    0.99,
  )
  const ratio = inTrouble / beside
  return {
    promise: 'S7',
    summary: `A is stored after ${inTrouble} ms at p99, ${beside} ms beside a process that burns as much: ${ratio.toFixed(2)} ×`,
    offences: ratio <= RATIO_MAX ? [] : [`${ratio.toFixed(2)} is above ${RATIO_MAX}`],
  }
}

/** What can't come up is handed upwards; a loop of starts and deaths waits in between. */
function held(found: readonly Trouble[]): Judgement {
  const offences = found.flatMap(({ round, way, seconds, threadStarts, supervisorStarts }) => [
    ...(way === ESCALATES && supervisorStarts === 0
      ? [
          `round ${round}: C's threads do not come up, ${threadStarts} starts in ${seconds.toFixed(0)} s, and nobody above gave up`,
        ]
      : []),
    ...(threadStarts > STARTS_PER_SECOND_MAX * seconds
      ? [
          `round ${round}: C's threads were started ${threadStarts} times in ${seconds.toFixed(0)} s of ${way}`,
        ]
      : []),
  ])
  const starts = found.map(
    ({ way, threadStarts, supervisorStarts }) => `${way} ${threadStarts} + ${supervisorStarts}`,
  )
  return {
    promise: 'held',
    summary: `starts of C's threads, and of supervisors above, in each trouble: ${[...new Set(starts)].join(', ')}`,
    offences,
  }
}

function mended(found: readonly Trouble[]): Judgement {
  const slowest = Math.max(0, ...found.map(({ backMs }) => backMs ?? 0))
  return {
    promise: 'mended',
    summary: `${found.length} times mended, C has done all its jobs after ${slowest.toFixed(0)} ms at the latest`,
    offences: found
      .filter(({ backMs }) => backMs === undefined)
      .map(
        ({ round, way }) => `round ${round}: after ${way} C does not come back though its handler is mended`,
      ),
  }
}

export const weaknessesOfTroubles = (found: readonly Trouble[]): string[] =>
  found
    .filter(({ storedMs, besideBurnerMs }) => Math.min(storedMs.length, besideBurnerMs.length) < SAMPLES_MIN)
    .map(({ round }) => `round ${round}: fewer than ${SAMPLES_MIN} jobs of A were measured`)

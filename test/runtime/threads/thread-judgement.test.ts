import { expect, test } from 'vitest'
import {
  FRESH,
  judge,
  type ThreadCondition,
  type ThreadLimits,
  type ThreadSigns,
  type Verdict,
} from '../../../runtime/threads/thread-judgement.ts'

const TICK_MS = 50
const MIB = 1_048_576

const LIMITS: ThreadLimits = {
  graceMs: 500,
  idleLimitMs: 2_000,
  blockedFactor: 4,
  softHeapBytes: 192 * MIB,
  unresponsiveMs: 500,
  jobsMax: 1_000,
  heapWindowMs: 1_000,
  heapGrowth: 1.5,
}

/** A thread with one job of a limit of 1 s that gives no sign of life. */
const STALLED: ThreadSigns = {
  seenMs: TICK_MS,
  heartbeat: 7,
  busy: 1,
  limitMs: 1_000,
  finished: 0,
  cpuMs: undefined,
  heapBytes: undefined,
  isPollOpen: false,
}

/** Ticks until the verdict is no longer `well`, at most `ticks`. */
function watch(ticks: number, signsAt: (tick: number) => Partial<ThreadSigns>) {
  let condition: ThreadCondition = FRESH
  let verdict: Verdict = { kind: 'well' }
  let tick = 0
  for (; tick < ticks && verdict.kind === 'well'; tick++)
    ({ condition, verdict } = judge(condition, { ...STALLED, ...signsAt(tick) }, LIMITS))
  return { verdict, condition, seenMs: tick * TICK_MS }
}

test('a busy loop is found once it has run for the limit of the longest handler under way', () => {
  const { verdict, seenMs } = watch(1_000, (tick) => ({ cpuMs: tick * TICK_MS }))
  expect(verdict.kind).toBe('unresponsive')
  expect(seenMs).toBeGreaterThan(1_500)
  expect(seenMs).toBeLessThan(1_700)
})

test('without a job the limit is that for what was left behind; with one that has none, there is none', () => {
  const spinning = (tick: number) => ({ cpuMs: tick * TICK_MS })
  const idle = watch(1_000, (tick) => ({ ...spinning(tick), busy: 0, limitMs: 0 }))
  expect(idle.verdict).toMatchObject({ kind: 'unresponsive', limitMs: 2_000 })
  expect(watch(5_000, (tick) => ({ ...spinning(tick), limitMs: 0 })).verdict).toEqual({ kind: 'well' })
})

test('signs of life between two handlers: many that compute one after the other are no busy loop', () => {
  const beats = (tick: number) => ({ cpuMs: tick * TICK_MS, heartbeat: Math.floor(tick / 19) })
  expect(watch(5_000, beats).verdict).toEqual({ kind: 'well' })
})

test.each([5, 10, 20])(
  'a handler within its limit of CPU time is left alone by a throttle of %i %%',
  (percent) => {
    // 900 ms of CPU time, then it is through.
    const cpuMs = (tick: number) => (tick * TICK_MS * percent) / 100
    const { verdict } = watch(900 / (TICK_MS * (percent / 100)), (tick) => ({ cpuMs: cpuMs(tick) }))
    expect(verdict).toEqual({ kind: 'well' })
  },
)

test.each([20, 50])('a busy loop under a throttle of %i %% is found all the same', (percent) => {
  const { verdict, seenMs } = watch(1_000, (tick) => ({ cpuMs: (tick * TICK_MS * percent) / 100 }))
  expect(verdict.kind).toBe('unresponsive')
  expect(seenMs).toBeGreaterThan((1_000 * 100) / percent)
})

test('a throttle that gives CPU time only now and then is no wait', () => {
  // 10 ms in every tenth tick.
  const { verdict } = watch(900, (tick) => ({ cpuMs: Math.floor(tick / 10) * 10 }))
  expect(verdict).toEqual({ kind: 'well' })
})

test('a wait without CPU time is ended after four times the limit', () => {
  const { verdict, seenMs } = watch(1_000, () => ({ cpuMs: 12 }))
  expect(verdict.kind).toBe('unresponsive')
  expect(seenMs).toBeGreaterThan(4_500)
  expect(seenMs).toBeLessThan(4_700)
})

test('a poll that goes unanswered counts as such a wait', () => {
  const { verdict, condition, seenMs } = watch(1_000, () => ({ isPollOpen: true }))
  expect(verdict.kind).toBe('unresponsive')
  expect(seenMs).toBeGreaterThan(4_500)
  expect(condition.unansweredMs).toBeGreaterThan(LIMITS.unresponsiveMs)
})

test('after SIGCONT the late tick counts as one period: a thread that was well still is', () => {
  // The watch cuts the time of a stop to one tick; the thread beats again right after.
  const { verdict } = watch(1_000, (tick) => ({ heartbeat: Math.floor(tick / 8), cpuMs: 3 }))
  expect(verdict).toEqual({ kind: 'well' })
})

test('over its watermark a thread is killed at once, whatever else it does', () => {
  const { verdict } = watch(1, () => ({ heartbeat: 8, heapBytes: 193 * MIB }))
  expect(verdict).toEqual({ kind: 'oom', heapBytes: 193 * MIB })
})

test('after its number of jobs a thread is worn', () => {
  expect(watch(1, () => ({ finished: 999 })).verdict.kind).toBe('well')
  expect(watch(1, () => ({ finished: 1_000 })).verdict.kind).toBe('worn')
})

test('a thread whose memory no longer comes down as it did is worn; one that always kept much is not', () => {
  const beating = (tick: number) => ({ heartbeat: tick, busy: 0 })
  // The saw tooth of a collector; its floor rises by 2 MiB per window.
  const tooth = (tick: number) => (tick % 20) * MIB
  const growing = watch(2_000, (tick) => ({
    ...beating(tick),
    heapBytes: tooth(tick) + (20 + Math.floor(tick / 20) * 2) * MIB,
  }))
  expect(growing.verdict.kind).toBe('worn')
  expect(growing.condition.heapBytes).toBeGreaterThan(96 * MIB)
  const large = watch(2_000, (tick) => ({ ...beating(tick), heapBytes: tooth(tick) + 120 * MIB }))
  expect(large.verdict.kind).toBe('well')
})

/**
 * Whether a thread is well, from what its board and its polls say at each tick of the watch. Pure.
 *
 * Time is what the watch has *seen*: the tick that comes late counts as one period, so that a process that was stopped
 * (SIGSTOP), suspended or throttled has lost no thread when it goes on.
 *
 * - *Stalled*: no sign of life. It is killed when this has lasted for the limit of the longest handler under way and the
 *   thread has used that much CPU time too: a busy loop. One that is starved of CPU by throttling or by its neighbours is
 *   left alone. One that uses none at all while it is stalled (`Atomics.wait`, a synchronous system call, or a poll that goes
 *   unanswered) is killed after `blockedFactor` times the limit.
 * - *Over its watermark*: heap and memory outside of it; killed. V8's own limit is no protection (it may end the process).
 * - *Unresponsive*: a poll has gone unanswered for long, which neither a busy loop nor a wait does, only one builtin that
 *   does not return. Such a thread cannot be killed before that, so this is for the node to know.
 * - *Worn*: many jobs done, or its memory does not come down any more as it did at first; to be recycled.
 */
export interface ThreadLimits {
  /** Beyond a handler's limit: a thread that is well gives its signs of life with this much delay at most. */
  graceMs: number
  /** The limit while no handler is under way: for what earlier ones left behind. */
  idleLimitMs: number
  blockedFactor: number
  softHeapBytes: number
  unresponsiveMs: number
  jobsMax: number
  /** The least memory of each such window is what a collection leaves. */
  heapWindowMs: number
  /** How many times that of the first window is grown, if it is over half of the watermark too. */
  heapGrowth: number
}

/** What one tick saw. */
export interface ThreadSigns {
  /** Since the tick before, one period at most. */
  seenMs: number
  /** Any value; a new one is a sign of life. */
  heartbeat: number
  /** Jobs under way. */
  busy: number
  /** The longest that a handler under way may take; 0 where nothing is said. */
  limitMs: number
  finished: number
  /** CPU time of the thread, where it has been asked and has answered since the tick before. */
  cpuMs: number | undefined
  /** Likewise. */
  heapBytes: number | undefined
  isPollOpen: boolean
}

export interface ThreadCondition {
  heartbeat: number
  stalledMs: number
  /** At the first answer within this stall. */
  cpuAtStallMs: number | undefined
  cpuMs: number | undefined
  /** Of the stall, without CPU time used. */
  blockedMs: number
  unansweredMs: number
  heapBytes: number
  windowMs: number
  windowLeastBytes: number
  firstLeastBytes: number | undefined
  isGrown: boolean
}

export type Verdict =
  | { kind: 'well' }
  | { kind: 'worn' }
  | { kind: 'unresponsive'; stalledMs: number; limitMs: number; cpuMs: number }
  | { kind: 'oom'; heapBytes: number }

export const FRESH: ThreadCondition = {
  heartbeat: -1,
  stalledMs: 0,
  cpuAtStallMs: undefined,
  cpuMs: undefined,
  blockedMs: 0,
  unansweredMs: 0,
  heapBytes: 0,
  windowMs: 0,
  windowLeastBytes: Number.POSITIVE_INFINITY,
  firstLeastBytes: undefined,
  isGrown: false,
}

/** A thread that uses less of a tick than this is not computing; answering polls takes some. */
const COMPUTING_SHARE = 0.01

export function judge(
  before: ThreadCondition,
  signs: ThreadSigns,
  limits: ThreadLimits,
): { condition: ThreadCondition; verdict: Verdict } {
  const condition: ThreadCondition = {
    ...before,
    ...stall(before, signs),
    ...memory(before, signs, limits),
    unansweredMs: signs.isPollOpen ? before.unansweredMs + signs.seenMs : 0,
  }
  return { condition, verdict: verdictOn(condition, signs, limits) }
}

function stall(before: ThreadCondition, { heartbeat, seenMs, cpuMs }: ThreadSigns): Partial<ThreadCondition> {
  if (heartbeat !== before.heartbeat)
    return { heartbeat, stalledMs: 0, cpuAtStallMs: undefined, cpuMs: undefined, blockedMs: 0 }
  const stalledMs = before.stalledMs + seenMs
  if (cpuMs === undefined) return { stalledMs, blockedMs: before.blockedMs + seenMs }
  const idleMs = before.blockedMs + seenMs
  const usedMs = cpuMs - (before.cpuMs ?? 0)
  const isComputing = before.cpuMs === undefined || usedMs > idleMs * COMPUTING_SHARE
  return {
    stalledMs,
    cpuAtStallMs: before.cpuAtStallMs ?? cpuMs,
    // Kept while it does not compute: little by little it would seem to use none.
    cpuMs: isComputing ? cpuMs : before.cpuMs,
    blockedMs: isComputing ? 0 : idleMs,
  }
}

function memory(
  before: ThreadCondition,
  { heapBytes, seenMs }: ThreadSigns,
  { heapWindowMs, heapGrowth, softHeapBytes }: ThreadLimits,
): Partial<ThreadCondition> {
  const windowMs = before.windowMs + seenMs
  if (heapBytes === undefined) return { windowMs }
  const least = Math.min(before.windowLeastBytes, heapBytes)
  if (windowMs < heapWindowMs) return { heapBytes, windowMs, windowLeastBytes: least }
  const first = before.firstLeastBytes ?? least
  return {
    heapBytes,
    windowMs: 0,
    windowLeastBytes: Number.POSITIVE_INFINITY,
    firstLeastBytes: first,
    isGrown: least > softHeapBytes / 2 && least > first * heapGrowth,
  }
}

function verdictOn(condition: ThreadCondition, signs: ThreadSigns, limits: ThreadLimits): Verdict {
  const { stalledMs, blockedMs, cpuMs, cpuAtStallMs, heapBytes, isGrown } = condition
  if (heapBytes > limits.softHeapBytes) return { kind: 'oom', heapBytes }
  const limitMs = limitOf(signs, limits)
  const usedMs = (cpuMs ?? 0) - (cpuAtStallMs ?? cpuMs ?? 0)
  const isLooping = stalledMs > limitMs + limits.graceMs && usedMs >= limitMs
  const isBlocked = blockedMs > limitMs * limits.blockedFactor + limits.graceMs
  if (isLooping || isBlocked) return { kind: 'unresponsive', stalledMs, limitMs, cpuMs: usedMs }
  return signs.finished >= limits.jobsMax || isGrown ? { kind: 'worn' } : { kind: 'well' }
}

function limitOf({ busy, limitMs }: ThreadSigns, { idleLimitMs }: ThreadLimits): number {
  if (busy === 0) return idleLimitMs
  return limitMs > 0 ? limitMs : Number.POSITIVE_INFINITY
}

/** Whether the memory of a thread is to be looked at at every tick: it could reach the watermark before a later look. */
export const isNearWatermark = ({ heapBytes }: ThreadCondition, { softHeapBytes }: ThreadLimits): boolean =>
  heapBytes > softHeapBytes / 2

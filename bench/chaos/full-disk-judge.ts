import type { Judgement } from './judge.ts'
import type { Verdict } from './ledger.ts'

/** What was seen of one disk that filled up and got free again. */
export interface FullDisk {
  round: number
  /** Free when it was filled. */
  leftBytes: number
  acceptedBefore: number
  refusals: readonly (Verdict & { verdict: 'refused' })[]
  /** Requests without a whole answer. */
  unanswered: number
  readyWhenFull: boolean
  /** Of the log of the node in this round: how many, and whether one of them says what is wrong (`saysFull`). */
  lines: number
  isSaid: boolean
  /** From the disk getting free to jobs being accepted again; undefined when they were not. */
  recoveredMs: number | undefined
}

/** Said once when the log begins to refuse: the file, the error, what is free, what to do. */
const SAID = /data\.mdb can't grow by \d+ bytes \(ENOSPC\): \d+ bytes are free .*free disk/
/** Lines of the log in one round; a line per refusal or per try would be thousands. */
const LINES_MAX = 300

export const saysFull = (line: string): boolean => SAID.test(line)

/** Pure. */
export function judgeFullDisks(found: readonly FullDisk[]): Judgement[] {
  return [refusedInOrder(found), spokenOf(found), recoveredAlone(found)]
}

/** A full disk is a 503 that says when to come again, for every request. */
function refusedInOrder(found: readonly FullDisk[]): Judgement {
  const offences = found.flatMap(({ round, refusals, unanswered, readyWhenFull }) => {
    const wrong = refusals.filter(
      ({ status, code, retryAfterS }) =>
        status !== 503 || code !== 'log-unavailable' || retryAfterS === undefined,
    )
    return [
      ...wrong
        .slice(0, 1)
        .map(
          ({ status, code, retryAfterS }) =>
            `round ${round}: ${wrong.length} were refused otherwise, the first with ${status} ${code}, Retry-After ${retryAfterS}`,
        ),
      ...(unanswered > 0 ? [`round ${round}: ${unanswered} requests got no answer`] : []),
      ...(readyWhenFull ? [`round ${round}: the node called itself ready while it refused`] : []),
    ]
  })
  const refused = found.reduce((sum, { refusals }) => sum + refusals.length, 0)
  return {
    promise: 'full disk',
    summary: `${refused.toLocaleString('en-US')} refused, each 503 log-unavailable with Retry-After`,
    offences,
  }
}

function spokenOf(found: readonly FullDisk[]): Judgement {
  const most = Math.max(0, ...found.map(({ lines }) => lines))
  return {
    promise: 'said so',
    summary: `each time the log of the node names the file, the error and what is free, in ${most} lines at most`,
    offences: found.flatMap(({ round, lines, isSaid }) => [
      ...(isSaid ? [] : [`round ${round}: the log of the node does not say that its disk is full`]),
      ...(lines > LINES_MAX ? [`round ${round}: the log of the node has ${lines} lines`] : []),
    ]),
  }
}

/** L2: no restart, no help. */
function recoveredAlone(found: readonly FullDisk[]): Judgement {
  const offences = found
    .filter(({ recoveredMs }) => recoveredMs === undefined)
    .map(({ round }) => `round ${round}: no jobs are accepted though the disk is free again`)
  const slowest = Math.max(0, ...found.map(({ recoveredMs }) => recoveredMs ?? 0))
  return {
    promise: 'L2',
    summary: `${found.length} times freed, jobs accepted again after ${slowest.toFixed(0)} ms at the latest`,
    offences,
  }
}

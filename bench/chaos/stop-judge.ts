import { claimKeyOf } from '../../runtime/job/id.ts'
import type { Facts } from './facts.ts'
import type { Judgement } from './judge.ts'
import { isAccepted, type LedgerEntry, type Verdict } from './ledger.ts'

/**
 * L3, the orderly half: a node that is told to stop under load ends in its time, and gives a whole answer to every request
 * that it has begun to read: 202, or 503 `draining` with a Retry-After. Pure.
 *
 * What is no offence: a connection that is refused, and one that closes at the moment at which the next request is on its
 * way. HTTP/1.1 cannot rule that out: the server cannot know of what it has not read, and clients send such a request
 * again (RFC 9112, 9.3.1). It counts as not read only if the node had no time to read it and has kept nothing of it; and
 * it may happen to a few of a stop only: what was in flight when a node ends abruptly looks the same.
 */
export interface Stop {
  round: number
  /** The exit code, or the signal that ended it. */
  exit: number | NodeJS.Signals
  /** From the signal to the end of the process. */
  tookMs: number
  /** Requests sent and not answered when the signal was given. */
  inFlight: number
  /** Requests without an answer that were not read either. */
  notRead: number
  offences: readonly string[]
}

const STOP_MS_MAX = 10_000
/** In this time a node that still reads has read what was sent. */
const READ_MS_MAX = 100
/**
 * Of one stop. None is what is measured: connections end with an answer that says so, or after an idle while. A few are
 * allowed, for a request may be on its way on a connection that is closed as idle just then.
 */
const NOT_READ_MAX = 3
/** So many in flight, and an abrupt end cannot be taken for requests that met a closing connection. */
export const IN_FLIGHT_MIN = 2 * NOT_READ_MAX

export function judgeStop(
  { round, exit, tookMs, inFlight }: Pick<Stop, 'round' | 'exit' | 'tookMs' | 'inFlight'>,
  ledger: readonly LedgerEntry[],
  { records, rows }: Pick<Facts, 'records' | 'rows'>,
): Stop {
  const kept = new Set([...records, ...rows].map(({ id }) => claimKeyOf(id)))
  const offences: string[] = []
  let notRead = 0
  if (exit !== 0) offences.push(`the node ended with ${exit}`)
  if (tookMs > STOP_MS_MAX) offences.push(`the node took ${tookMs.toFixed(0)} ms to stop`)
  for (const { job, verdicts } of ledger)
    for (const verdict of verdicts.filter((of) => of.round === round)) {
      if (verdict.verdict === 'refused' && !isAsItShouldBe(verdict))
        offences.push(`job ${job.n} was refused with ${verdict.status} ${verdict.code}`)
      if (verdict.verdict !== 'unknown') continue
      // What the node has of a job may be from another time that it was sent.
      const isKept = kept.has(job.claimKey) && !verdicts.some(isAccepted)
      if (verdict.why === 'closed' && verdict.waitedMs <= READ_MS_MAX && !isKept) notRead++
      else offences.push(`job ${job.n} got no whole answer: ${whyNot(verdict, isKept)}`)
    }
  if (notRead > NOT_READ_MAX)
    offences.push(`${notRead} requests met a connection that was closing, more than ${NOT_READ_MAX}`)
  return {
    round,
    exit,
    tookMs,
    inFlight,
    notRead,
    offences: offences.map((offence) => `round ${round}: ${offence}`),
  }
}

/** A twin of a request under way is told so; everybody else is told to come back. */
const isAsItShouldBe = ({ code, retryAfterS }: Verdict & { verdict: 'refused' }): boolean =>
  retryAfterS !== undefined && (code === 'draining' || code === 'request-in-progress')

const whyNot = ({ why, waitedMs }: Verdict & { verdict: 'unknown' }, isKept: boolean): string =>
  `${why} after ${waitedMs.toFixed(0)} ms${isKept ? ', and the node has the job' : ''}`

export function judgeStops(stops: readonly Stop[]): Judgement {
  const slowestMs = Math.max(...stops.map(({ tookMs }) => tookMs))
  const notRead = stops.reduce((sum, stop) => sum + stop.notRead, 0)
  return {
    promise: 'L3',
    summary: `${stops.length} stops under load with ${Math.min(...stops.map(({ inFlight }) => inFlight))} requests in flight or more, the slowest took ${slowestMs.toFixed(0)} ms; every request that was read got a whole answer, ${notRead} met a connection that was closing`,
    offences: stops.flatMap(({ offences }) => offences),
  }
}

import { expect, test } from 'vitest'
import type { Facts } from '../../../bench/chaos/facts.ts'
import type { LedgerEntry, Verdict } from '../../../bench/chaos/ledger.ts'
import { judgeStop, judgeStops } from '../../../bench/chaos/stop-judge.ts'
import { Workload } from '../../../bench/chaos/workload.ts'

const job = new Workload(1).nextUnordered()
const ID = `16rc0${job.claimKey}`
const NOTHING: Pick<Facts, 'records' | 'rows'> = { records: [], rows: [] }
const KEPT = { ...NOTHING, records: [{ lane: 'pool-a.normal', partition: 0, offset: 0, id: ID }] }

const unknown = (why: 'closed' | 'cut' | 'late', waitedMs: number): Verdict => ({
  verdict: 'unknown',
  round: 1,
  why,
  waitedMs,
})
const refused = (status: number, code: string, retryAfterS?: number): Verdict => ({
  verdict: 'refused',
  round: 1,
  status,
  code,
  retryAfterS,
})
const accepted: Verdict = { verdict: 'accepted', round: 1, id: ID, traceId: 't', replayed: false }

const stopOf = (
  verdicts: readonly Verdict[],
  facts = NOTHING,
  exit: number | NodeJS.Signals = 0,
  tookMs = 900,
) => judgeStop({ round: 1, exit, tookMs, inFlight: 9 }, [{ job, verdicts } satisfies LedgerEntry], facts)

test('202, and 503 with a time to come back, are whole answers', () => {
  expect(
    stopOf([accepted, refused(503, 'draining', 1), refused(409, 'request-in-progress', 1)]).offences,
  ).toEqual([])
})

test('other refusals are offences', () => {
  expect(stopOf([refused(503, 'draining')]).offences).toEqual([
    `round 1: job ${job.n} was refused with 503 draining`,
  ])
  expect(stopOf([refused(503, 'log-unavailable', 1)]).offences).toHaveLength(1)
  expect(stopOf([refused(500, 'internal-error')]).offences).toHaveLength(1)
})

test('a connection that closes as the request is under way has not read it, and that is no offence', () => {
  expect(stopOf([unknown('closed', 3)])).toMatchObject({ notRead: 1, offences: [] })
})

test('of such requests there may be a few, and no more', () => {
  const closed = (count: number) => stopOf(Array.from({ length: count }, () => unknown('closed', 3)))
  expect(closed(3).offences).toEqual([])
  expect(closed(4).offences).toEqual(['round 1: 4 requests met a connection that was closing, more than 3'])
})

test('a request that was read is owed an answer: the node has its job, had the time to read it, or began to answer', () => {
  expect(stopOf([unknown('closed', 3)], KEPT).offences).toEqual([
    `round 1: job ${job.n} got no whole answer: closed after 3 ms, and the node has the job`,
  ])
  expect(stopOf([unknown('closed', 500)]).offences).toHaveLength(1)
  expect(stopOf([unknown('cut', 3)]).offences).toHaveLength(1)
  expect(stopOf([unknown('late', 5_000)]).offences).toHaveLength(1)
})

test('of a job that is there anyway nobody can tell: its twin had been accepted', () => {
  expect(stopOf([accepted, unknown('closed', 3)], KEPT)).toMatchObject({ notRead: 1, offences: [] })
})

test('the node has to end in order and in time', () => {
  expect(stopOf([], NOTHING, 75).offences).toEqual(['round 1: the node ended with 75'])
  expect(stopOf([], NOTHING, 'SIGKILL').offences).toHaveLength(1)
  expect(stopOf([], NOTHING, 0, 10_001).offences).toEqual(['round 1: the node took 10001 ms to stop'])
})

test('other rounds are judged by themselves; together they are one promise', () => {
  const elsewhere: Verdict = { verdict: 'unknown', round: 2, why: 'cut', waitedMs: 1 }
  expect(stopOf([elsewhere]).offences).toEqual([])
  const { promise, offences, summary } = judgeStops([stopOf([]), stopOf([], NOTHING, 0, 20_000)])
  expect({ promise, count: offences.length }).toEqual({ promise: 'L3', count: 1 })
  expect(summary).toMatch(/^2 stops under load with 9 requests in flight or more, the slowest took 20000 ms/)
})

import { expect, test } from 'vitest'
import { acceptedIds, Ledger } from '../../../bench/chaos/ledger.ts'
import { Workload } from '../../../bench/chaos/workload.ts'

const answered = (status: number, body: object, head = '') => ({
  kind: 'answered' as const,
  status,
  text: `HTTP/1.1 ${status} …\r\n${head}content-length: 1\r\n\r\n${JSON.stringify(body)}`,
  latencyMs: 1,
})
const closed = { kind: 'unanswered' as const, why: 'closed' as const, waitedMs: 2 }

test('every verdict of a job is kept: accepted, refused, unknown; what was not sent is no part of it', () => {
  const [one, two, three] = ((workload) => [workload.next(), workload.next(), workload.next()])(
    new Workload(1),
  )
  const ledger = new Ledger()
  ledger.record(one!, closed, 1)
  ledger.record(one!, answered(202, { id: 'i', traceId: 't' }, 'Idempotency-Replayed: true\r\n'), 2)
  ledger.record(two!, answered(503, { code: 'draining' }, 'retry-after: 3\r\n'), 1)
  expect(ledger.record(three!, { kind: 'unsent' }, 1)).toBeUndefined()
  expect(ledger.entries.map(({ verdicts }) => verdicts)).toEqual([
    [
      { verdict: 'unknown', round: 1, why: 'closed', waitedMs: 2 },
      { verdict: 'accepted', round: 2, id: 'i', traceId: 't', replayed: true },
    ],
    [{ verdict: 'refused', round: 1, status: 503, code: 'draining', retryAfterS: 3 }],
  ])
  expect(ledger.entries.map(acceptedIds)).toEqual([['i'], []])
  expect(ledger.acceptedIn(2).map(({ job }) => job)).toEqual([one])
})

test('what has no verdict yet is open, until it has one', () => {
  const job = new Workload(1).next()
  const ledger = new Ledger()
  ledger.record(job, closed, 1)
  expect(ledger.open.map((entry) => entry.job)).toEqual([job])
  ledger.record(job, answered(202, { id: 'i', traceId: 't' }), 2)
  expect(ledger.open).toEqual([])
})

test('a 202 that does not say which job it accepted is an error', () => {
  const record = () => new Ledger().record(new Workload(1).next(), answered(202, {}), 1)
  expect(record).toThrow('a 202 without id or traceId')
})

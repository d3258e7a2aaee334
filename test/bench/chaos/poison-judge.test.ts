import { describe, expect, test } from 'vitest'
import type { Facts, RowFact } from '../../../bench/chaos/facts.ts'
import type { LedgerEntry } from '../../../bench/chaos/ledger.ts'
import type { TreeNode } from '../../../bench/chaos/operations-port.ts'
import { judgeBudgets, judgeInnocents, judgePoison } from '../../../bench/chaos/poison-judge.ts'
import type { ChaosJob, Poison } from '../../../bench/chaos/workload.ts'

const entry = (id: string, job: Partial<ChaosJob> = {}): LedgerEntry => ({
  job: {
    n: 1,
    tenant: 'acme',
    apiKey: 'key',
    kind: 'lead.qualify',
    tier: 'normal',
    ordering: undefined,
    idempotencyKey: undefined,
    isDoomed: false,
    body: '{}',
    claimKey: id,
    request: '',
    ...job,
  },
  verdicts: [{ verdict: 'accepted', round: 1, id, traceId: 'f', replayed: false }],
})

const facts = (...rows: Partial<RowFact>[]): Facts => ({
  records: [],
  offsets: [],
  effects: [],
  rows: rows.map((row) => ({ id: 'x', state: 'done', transaction: 1, attempt: 1, ...row })),
})

describe('a poison', () => {
  const dead = (errorCode: string, errorMessage: string) =>
    facts({ state: 'dead', attempt: 2, errorCode, errorMessage })
  const judged = (poison: Poison, of: Facts) =>
    judgePoison([entry('x', { isDoomed: true, poison })], of).offences

  test.each<[Poison, string, string]>([
    ['throw', 'thread-lost', 'the thread died: error: thrown out of a timer'],
    ['loop', 'thread-lost', 'the thread died: thread unresponsive: no sign of life'],
    ['array', 'thread-lost', 'the thread died: thread oom: heap above its watermark'],
    ['exit', 'thread-lost', 'the thread died: thread exit: worker exited with code 3'],
    ['end-process', 'process-lost', 'the process died'],
  ])('by %s is dead of that', (poison, code, message) => {
    expect(judged(poison, dead(code, message))).toEqual([])
    expect(judged(poison, dead('handler-error', message))).toHaveLength(1)
  })

  test('that is dead of something else, alive, or gone, is named', () => {
    expect(judged('loop', dead('thread-lost', 'thread exit: worker exited'))).toEqual([
      'x, told to loop, is dead of thread-lost: thread exit: worker exited; not of thread-lost: unresponsive',
    ])
    expect(judged('loop', facts({ state: 'retry' }))).toEqual(['x, told to loop, is retry'])
    expect(judged('loop', facts({}))).toEqual(['x, told to loop, is done'])
    expect(judged('loop', facts())).toEqual(['x, told to loop, is not in the table'])
  })
})

test('an innocent is done at its first attempt; a poison is none', () => {
  const ledger = [entry('x'), entry('p', { isDoomed: true, poison: 'exit' })]
  expect(judgeInnocents(ledger, facts({})).offences).toEqual([])
  expect(judgeInnocents(ledger, facts({ attempt: 2 })).offences).toHaveLength(1)
  expect(judgeInnocents(ledger, facts({ state: 'dead', errorCode: 'thread-lost' })).offences).toEqual([
    'x (lead.qualify) is dead at attempt 1: thread-lost',
  ])
  expect(judgeInnocents(ledger, facts()).offences).toHaveLength(1)
})

test('a supervisor that was started again has spent its budget', () => {
  const supervisor = (path: string, incarnation: number): TreeNode => ({
    path,
    type: 'supervisor',
    status: 'running',
    restarts: 0,
    incarnation,
  })
  const thread: TreeNode = { ...supervisor('/node/pools/pool-a/threads/thread-1', 9), type: 'thread' }
  expect(judgeBudgets([supervisor('/node/pools', 1), thread]).offences).toEqual([])
  expect(judgeBudgets([supervisor('/node/pools/pool-a', 2)]).offences).toEqual([
    expect.stringMatching(/^\/node\/pools\/pool-a is in incarnation 2/),
  ])
})

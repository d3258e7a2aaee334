import { describe, expect, test } from 'vitest'
import type { Facts } from '../../../bench/chaos/facts.ts'
import { type Judgement, judge, type Occasion } from '../../../bench/chaos/judge.ts'
import type { LedgerEntry, Verdict } from '../../../bench/chaos/ledger.ts'

/** Hand-made evidence: three jobs of one ordering key, accepted and stored as they should be; then one thing is wrong. */
const claimKeyOf = (n: number): string => String(n).repeat(43).slice(0, 43)
const idOf = (n: number, window = '16rc0'): string => window + claimKeyOf(n)

const accepted = (id: string): Verdict => ({
  verdict: 'accepted',
  round: 1,
  id,
  traceId: 'f'.repeat(32),
  replayed: false,
})
const UNKNOWN: Verdict = { verdict: 'unknown', round: 1, why: 'closed', waitedMs: 3 }

const entry = (n: number, verdicts: readonly Verdict[] = [accepted(idOf(n))]): LedgerEntry => ({
  job: {
    n,
    tenant: 'acme',
    apiKey: 'key',
    kind: 'chaos.step',
    tier: 'normal',
    ordering: { key: 'k', sequence: n },
    idempotencyKey: undefined,
    isDoomed: false,
    body: '{}',
    claimKey: claimKeyOf(n),
    request: '',
  },
  verdicts,
})

const LANE = { lane: 'pool-a.normal', partition: 0 }
const LEDGER = [entry(1), entry(2), entry(3)]
const SOUND = {
  records: [1, 2, 3].map((n) => ({ ...LANE, offset: n, id: idOf(n) })),
  offsets: [{ ...LANE, group: 'spillway.pool-a', committed: 3 }],
  rows: [1, 2, 3].map((n) => ({ id: idOf(n), state: 'done', transaction: 100 + n })),
  effects: [1, 2, 3].map((n) => ({ table: 'effects', jobId: idOf(n), transaction: 100 + n })),
} satisfies Facts
const ANSWERS = new Map([1, 2, 3].map((n) => [idOf(n), { state: 'done', errorCode: undefined }]))
const DRAINED: Occasion = { when: 'drained', answers: ANSWERS }

const without = <Item>(items: readonly Item[], index: number): Item[] => items.toSpliced(index, 1)

function offences(
  facts: Partial<Facts> = {},
  { ledger = LEDGER, occasion = DRAINED }: { ledger?: readonly LedgerEntry[]; occasion?: Occasion } = {},
): Record<string, readonly string[]> {
  const judgements = judge(ledger, { ...SOUND, ...facts }, occasion)
  return Object.fromEntries(
    judgements
      .filter((judgement) => judgement.offences.length > 0)
      .map((judgement) => [judgement.promise, judgement.offences]),
  )
}

const promises = (...of: Parameters<typeof offences>): string[] => Object.keys(offences(...of))

test('what is as it should be breaks no promise, and each says what was counted', () => {
  const judgements = judge(LEDGER, SOUND, DRAINED)
  expect(judgements.filter((judgement) => judgement.offences.length > 0)).toEqual([])
  const summaryOf = (promise: string) => judgements.find((of: Judgement) => of.promise === promise)?.summary
  expect(summaryOf('S1')).toBe('3 accepted, 3 in the log or the table')
  expect(summaryOf('S3')).toBe(
    '3 accepted = 3 done + 0 thin + 0 dead (0 sent to fail, 0 of an upstream error) + 0 in flight',
  )
})

describe('S1', () => {
  test('an accepted job that is in neither log nor table is named', () => {
    const facts = {
      records: without(SOUND.records, 1),
      rows: without(SOUND.rows, 1),
      effects: without(SOUND.effects, 1),
    }
    const { S1 } = offences(facts, { occasion: { when: 'crashed' } })
    expect(S1).toEqual([
      `job 2 (chaos.step of acme) was accepted as ${idOf(2)}, which is neither in the log nor in the table`,
    ])
  })

  test('either of them will do, and an unknown job need not be there', () => {
    expect(promises({ records: [] })).toEqual([])
    const ledger = [...LEDGER, entry(4, [UNKNOWN])]
    expect(promises({}, { ledger })).toEqual([])
  })
})

describe('S2', () => {
  test('a second effect', () => {
    const again = { table: 'effects', jobId: idOf(2), transaction: 102 }
    expect(promises({ effects: [...SOUND.effects, again] })).toEqual(['S2'])
  })

  test('a second row', () => {
    expect(
      promises({ rows: [...SOUND.rows, { ...SOUND.rows[2], id: idOf(3), state: 'done', transaction: 103 }] }),
    ).toEqual(['S2'])
  })

  test('an effect of another transaction than the row: it was there twice, and the second hides the first', () => {
    const effects = SOUND.effects.with(2, { table: 'leads', jobId: idOf(3), transaction: 999 })
    expect(promises({ effects })).toEqual(['S2'])
  })

  test('an effect without a settled row, and a settled row without its effect', () => {
    const rows = SOUND.rows.map((row, i) => ({
      ...row,
      state: i === 2 ? ('retry' as const) : ('done' as const),
    }))
    expect(promises({ rows }, { occasion: { when: 'crashed' } })).toEqual(['S2'])
    expect(promises({ effects: without(SOUND.effects, 0) })).toEqual(['S2'])
  })

  test('a job that was accepted under two ids, unless a window ended in between', () => {
    const ids = (...ids: string[]) => LEDGER.with(2, entry(3, ids.map(accepted)))
    expect(promises({}, { ledger: ids(idOf(3), idOf(3)) })).toEqual([])
    expect(promises({}, { ledger: ids(idOf(3), idOf(4)) })).toContain('S2')
    const later = idOf(3, '16rc1')
    const facts = {
      rows: [...SOUND.rows, { id: later, state: 'done' as const, transaction: 104 }],
      effects: [...SOUND.effects, { table: 'effects', jobId: later, transaction: 104 }],
    }
    const occasion: Occasion = {
      when: 'drained',
      answers: new Map([...ANSWERS, [later, { state: 'done', errorCode: undefined }]]),
    }
    expect(promises(facts, { ledger: ids(idOf(3), later), occasion })).toEqual([])
  })
})

describe('S3', () => {
  test('a job that never ended, one that cannot be looked up, one that nobody sent', () => {
    const rows = SOUND.rows.map((row, i) => ({
      ...row,
      state: i === 2 ? ('retry' as const) : ('done' as const),
    }))
    expect(promises({ rows, effects: without(SOUND.effects, 2) })).toEqual(['S3'])
    const answers = new Map([...ANSWERS].slice(1))
    expect(promises({}, { occasion: { when: 'drained', answers } })).toEqual(['S3'])
    const stranger = {
      rows: [...SOUND.rows, { id: idOf(9), state: 'done' as const, transaction: 109 }],
      effects: [...SOUND.effects, { table: 'effects', jobId: idOf(9), transaction: 109 }],
    }
    expect(promises(stranger)).toEqual(['S3'])
  })

  const dead = (errorCode: string) => ({
    rows: SOUND.rows.with(2, { ...SOUND.rows[2]!, state: 'dead', errorCode } as never),
    effects: without(SOUND.effects, 2),
  })
  const buried: Occasion = {
    when: 'drained',
    answers: new Map([...ANSWERS, [idOf(3), { state: 'dead', errorCode: undefined }]]),
  }
  const sent = (job: Partial<LedgerEntry['job']>) =>
    LEDGER.with(2, { ...entry(3), job: { ...entry(3).job, ...job } })

  test('a job that is dead, and was not sent to fail', () => {
    expect(offences(dead('handler-error'), { occasion: buried })).toEqual({
      S3: [`job 3 (chaos.step of acme), accepted as ${idOf(3)}, is dead of handler-error, and should not be`],
    })
    expect(promises(dead('handler-error'), { occasion: buried, ledger: sent({ isDoomed: true }) })).toEqual(
      [],
    )
  })

  test('a job that was sent to fail, and is done', () => {
    expect(offences({}, { ledger: sent({ isDoomed: true }) })).toEqual({
      S3: [expect.stringMatching(/is done, though it fails whenever it is tried$/)],
    })
  })

  test('an upstream that fails may cost a job that calls it, and no other', () => {
    const ledger = sent({ kind: 'crm.sync' })
    expect(promises(dead('upstream-error'), { occasion: buried, ledger })).toEqual([])
    expect(promises(dead('handler-error'), { occasion: buried, ledger })).toEqual(['S3'])
    expect(promises(dead('upstream-error'), { occasion: buried })).toEqual(['S3'])
  })

  test('is not judged of a node that was killed: jobs may be under way', () => {
    const facts = { rows: [], effects: [], offsets: [{ ...SOUND.offsets[0]!, committed: 0 }] }
    expect(promises(facts, { occasion: { when: 'crashed' } })).toEqual([])
  })
})

test('S4: a committed offset that has passed a job without a row', () => {
  const facts = { rows: without(SOUND.rows, 1), effects: without(SOUND.effects, 1) }
  const crashed: Occasion = { when: 'crashed' }
  expect(offences(facts, { occasion: crashed }).S4).toEqual([
    `pool-a.normal/0 is committed up to 3, but job ${idOf(2)} at 2 is not in the table`,
  ])
  const behind = [{ ...SOUND.offsets[0]!, committed: 2 }]
  expect(offences({ ...facts, offsets: behind }, { occasion: crashed }).S4).toBeUndefined()
})

describe('S5', () => {
  const at = (...transactions: number[]): Partial<Facts> => ({
    rows: SOUND.rows.map((row, i) => ({ ...row, transaction: transactions[i] ?? 0 })),
    effects: SOUND.effects.map((effect, i) => ({ ...effect, transaction: transactions[i] ?? 0 })),
  })

  test('a job that is committed before, or together with, the one accepted before it', () => {
    expect(promises(at(101, 102, 103))).toEqual([])
    expect(promises(at(101, 103, 102))).toEqual(['S5'])
    expect(promises(at(101, 102, 102))).toEqual(['S5'])
  })

  test('a job that is settled while the one before it waits', () => {
    const rows = SOUND.rows.map((row, i) => ({
      ...row,
      state: i === 1 ? ('retry' as const) : ('done' as const),
    }))
    const facts = { rows, effects: without(SOUND.effects, 1) }
    expect(promises(facts, { occasion: { when: 'crashed' } })).toEqual(['S5'])
  })

  test('other keys, and jobs of which nobody knows whether they are there, hold up nothing', () => {
    const other = entry(3)
    const ledger = [
      entry(1),
      entry(2),
      { ...other, job: { ...other.job, ordering: { key: 'other', sequence: 0 } } },
    ]
    expect(promises(at(101, 103, 102), { ledger })).toEqual([])
    const gap = [entry(1), entry(2, [UNKNOWN]), entry(3)]
    const facts = {
      records: without(SOUND.records, 1),
      rows: without(SOUND.rows, 1),
      effects: without(SOUND.effects, 1),
    }
    expect(promises(facts, { ledger: gap })).toEqual([])
  })
})

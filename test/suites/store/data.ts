import { describe, expect, test } from 'vitest'
import type { StoredRow } from '../../../runtime/job/outcome.ts'
import { OutcomeDataError } from '../../../runtime/store/job-store.ts'
import { SqlError } from '../../../runtime/store/sql.ts'
import { anEnvelope, fromLog, lead, rowFor, type StoreBench } from './fixture.ts'

const write = (row: Record<string, unknown>) => fromLog({ writes: [rowFor('leads', row)] })

/** Seen before the database is asked: the guilty job is known. */
const FAULTS = [
  [
    'an undeclared table',
    '22023',
    'table "nope"',
    () => fromLog({ writes: [{ table: 'nope', values: [] }] }),
  ],
  [
    'a row of other columns',
    '22023',
    '1 values for its 7 columns',
    () => fromLog({ writes: [{ table: 'leads', values: ['a'] }] }),
  ],
  ['a list of rows with a hole', '22000', 'cannot be read', () => fromLog({ writes: withHole() })],
  ['an enrichment that is no text', '22000', 'cannot be read', () => fromLog({ skipped: [5 as never] })],
  ["a result with the texts' separator", '22P02', 'control character', () => fromLog({ result: '1\x1f2' })],
  ['an empty result', '22P02', 'empty', () => fromLog({ result: '' })],
  ['an envelope with NUL', '22021', 'tenant', () => fromLog({ job: { tenant: 'a\0' } })],
  ['an id that is none', '22023', 'no job id', () => fromLog({ job: { id: 'x' } })],
] as const

function withHole(): StoredRow[] {
  const writes: StoredRow[] = []
  writes[1] = lead('a', 1)
  return writes
}

/** What a handler's thread lets through all the same: the database refuses the batch as a whole. */
const REFUSED = [
  ['a key column that is null', '23502', () => write({ score: 1 })],
  ['text with NUL', '22021', () => write({ domain: 'a\0b' })],
  ['JSON with NUL', '22P05', () => write({ domain: 'a', data: { x: '\0' } })],
  ['a result with NUL', '22P05', () => fromLog({ result: JSON.stringify('\0') })],
  ['a result that is no JSON', '22P02', () => fromLog({ result: '{' })],
  ['text in a number', '22P02', () => write({ domain: 'a', score: 'many' })],
  ['an integer out of range', '22003', () => write({ domain: 'a', score: 2 ** 31 })],
  ['a time that PostgreSQL does not read', '22007', () => write({ domain: 'a', seen_at: 'tomorrow-ish' })],
  ['a key too long for its index', '54000', () => write({ domain: noise(60_000) })],
] as const

export function dataTests(bench: () => StoreBench): void {
  const rejection = async (batch: Parameters<StoreBench['store']['commit']>[0]): Promise<SqlError> => {
    const error = await bench()
      .store.commit(batch)
      .then(
        () => undefined,
        (cause) => cause,
      )
    expect(error).toBeInstanceOf(SqlError)
    return error
  }

  describe('data at fault', () => {
    for (const [what, sqlState, message, make] of FAULTS)
      test(`${what} is found before the database is asked, and its job named (${sqlState})`, async () => {
        const error = await rejection([fromLog(), make(), fromLog()])
        expect(error).toBeInstanceOf(OutcomeDataError)
        expect(error).toMatchObject({ sqlState, isDataError: true, isTransient: false })
        expect((error as OutcomeDataError).faults).toMatchObject([{ position: 1, error: { sqlState } }])
        expect(error.message).toContain(message)
        expect(await bench().rows('select * from spillway.jobs')).toEqual([])
      })

    test('every guilty job of a batch is named, and the others go through without them', async () => {
      const guilty = () => fromLog({ job: { tenant: 'a\0' } })
      const batch = [fromLog(), guilty(), fromLog({ writes: [lead('a', 1)] }), guilty()]
      const error = await rejection(batch)
      expect((error as OutcomeDataError).faults.map(({ position }) => position)).toEqual([1, 3])
      const verdicts = await bench().store.commit(batch.filter((_, i) => i % 2 === 0))
      expect(verdicts).toEqual([{ verdict: 'applied' }, { verdict: 'applied' }])
    })

    test('a copy that is not stored anyway is not at fault', async () => {
      const outcome = fromLog()
      expect(await bench().store.commit([outcome, { ...outcome, result: '{' }])).toEqual([
        { verdict: 'applied' },
        { verdict: 'duplicate', state: 'done' },
      ])
    })

    for (const [what, sqlState, make] of REFUSED)
      test(`${what} is a data error of the batch (${sqlState})`, async () => {
        const error = await rejection([fromLog(), make()])
        expect(error).not.toBeInstanceOf(OutcomeDataError)
        expect(error).toMatchObject({ sqlState, isDataError: true })
        expect(await bench().rows('select * from spillway.jobs')).toEqual([])
      })

    test('after any of it the store goes on', async () => {
      await rejection([write({ domain: 'a', seen_at: 'no' })])
      expect(await bench().store.commit([fromLog()])).toEqual([{ verdict: 'applied' }])
    })
  })

  describe('what is stored in any case', () => {
    test('a dead job, whatever its error and its envelope hold', async () => {
      const { store } = bench()
      const envelope = anEnvelope({ tenant: 'a\0b', orderingKey: 'k\0', kind: 'x\ud800' })
      const error = { code: 'c\0', message: `m\0${'x'.repeat(10_000)}`, stack: 's\ud800\0' }
      const outcome = fromLog({ envelope, state: 'dead', error, skipped: ['\0'] })
      expect(await store.commit([outcome])).toEqual([{ verdict: 'applied' }])
      expect(await store.find(envelope.id)).toMatchObject({
        tenant: 'a\ufffdb',
        error: { code: 'c\ufffd', message: `m\ufffd${'x'.repeat(3_998)}`, stack: 's\ufffd\ufffd' },
        skipped: ['\ufffd'],
      })
      await store.replay([envelope.id], 0)
      expect((await store.claimDue('a', 0, 1))[0]?.envelope.tenant).toBe('a\0b')
    })
  })
}

/** Text that does not compress. */
function noise(length: number): string {
  let seed = 1
  return Array.from({ length }, () => {
    seed = (seed * 48_271) % 2_147_483_647
    return String.fromCharCode(33 + (seed % 90))
  }).join('')
}

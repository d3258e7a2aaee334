import { describe, expect, test } from 'vitest'
import { runJob } from '../../../actors/pool/run-job.ts'
import { envelopeOf, handlerOf, optionsOf } from '../../actors/pool/run-fixtures.ts'
import { fromLog, LEADS, type StoreBench } from './fixture.ts'

/** From the value that a handler returns to the value that is read back. */
export function checkedTextTests(bench: () => StoreBench): void {
  const stored = async (value: unknown) => {
    const handler = handlerOf(
      () => ({ result: value, writes: [{ table: 'leads', row: { domain: 'a', data: value } }] }),
      { tables: [LEADS] },
    )
    const { result, writes, state } = await runJob(envelopeOf({}), handler, optionsOf())
    const outcome = fromLog({ state, writes, ...(result !== undefined && { result }) })
    expect(await bench().store.commit([fromLog(), outcome, fromLog()])).toEqual(
      Array(3).fill({ verdict: 'applied' }),
    )
    const [row] = await bench().rows('select data from leads')
    return { state, result: (await bench().store.find(outcome.envelope.id))?.result, data: row?.data }
  }

  const nested = (depth: number) => JSON.parse('['.repeat(depth) + ']'.repeat(depth)) as unknown

  describe('what the thread has checked the database takes', () => {
    test.each([
      ['lone surrogates', ['\ud800', 'x\udfffy', '\\ud800'], ['\ufffd', 'x\ufffdy', '\\ud800']],
      ['a pair of surrogates', '🦊', '🦊'],
      ['control characters', '\x01\x1f"\\', '\x01\x1f"\\'],
      ['nesting as deep as is allowed', nested(500), nested(500)],
    ])('%s', async (_, value, read) => {
      expect(await stored(value)).toEqual({ state: 'done', result: read, data: read })
    })

    test.each([
      ['nesting that is too deep', nested(501)],
      ['NUL', '\0'],
    ])('%s is refused by the thread', async (_, value) => {
      expect(await stored(value)).toMatchObject({ state: 'dead', data: undefined })
    })
  })
}

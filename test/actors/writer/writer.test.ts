import { expect, onTestFinished, test } from 'vitest'
import { emptyWriterStats, Writer, type WriterMessage } from '../../../actors/writer/writer.ts'
import { ActorCell } from '../../../runtime/actor/actor-cell.ts'
import { BOUNDS } from '../../../runtime/config/bounds.ts'
import type { Outcome, StoredRow } from '../../../runtime/job/outcome.ts'
import type { CommitVerdict, JobStore } from '../../../runtime/store/job-store.ts'
import { SqlError } from '../../../runtime/store/sql.ts'
import { anOutcome } from '../../support/jobs.ts'
import { testSystem } from '../../support/test-system.ts'
import { until } from '../../support/until.ts'

/** A writer whose store is `commit`; batches of up to 100 jobs, committed as soon as there are as many. */
async function start(commit: (outcomes: readonly Outcome[]) => void = () => {}) {
  const batches: number[] = []
  const committed: Outcome[] = []
  const store = {
    commit: async (outcomes: readonly Outcome[]): Promise<CommitVerdict[]> => {
      commit(outcomes)
      batches.push(outcomes.length)
      return outcomes.map(() => ({ verdict: 'applied' }))
    },
  } as JobStore
  const writer = new ActorCell<WriterMessage>(testSystem(), '/test/writer', 1_000, () => {
    return new Writer({
      store,
      batchJobsMax: 100,
      batchAgeMaxMs: 60_000,
      queueJobsMax: 1_000,
      transientRetry: { minMs: 0, maxMs: 0 },
      random: () => 0,
      stats: emptyWriterStats(),
      onCommitted: (results) => void committed.push(...results.map(({ outcome }) => outcome)),
    })
  })
  await writer.start()
  onTestFinished(() => writer.close())
  const write = async (outcomes: readonly Outcome[]): Promise<void> => {
    writer.tell({ type: 'commit', outcomes })
    writer.tell({ type: 'flush' })
    await until(() => committed.length === outcomes.length, 'all are committed')
  }
  return { writer, batches, committed, write }
}

/** With so much to store: a result, rows or a body. */
const MIB = 2 ** 20
const LARGE = {
  result: () => anOutcome({ result: 'x'.repeat(3 * MIB) }),
  rows: () => anOutcome({ writes: [{ table: 't', values: ['ü'.repeat(MIB), null, 'x'.repeat(MIB)] }] }),
  'body of a job that is tried again': () => {
    const { envelope } = anOutcome()
    return { ...anOutcome({ state: 'retry' }), envelope: { ...envelope, body: new Uint8Array(3 * MIB) } }
  },
}

test.each(Object.entries(LARGE))('a batch is bounded in bytes: %s', async (_, large) => {
  expect(BOUNDS.writer.batchBytesMax).toBe(8 * MIB)
  const { batches, committed, write } = await start()
  const outcomes = [large(), anOutcome(), large(), large(), anOutcome()]
  await write(outcomes)
  expect(batches).toEqual([3, 2])
  expect(committed.map(({ envelope }) => envelope.id)).toEqual(outcomes.map(({ envelope }) => envelope.id))
})

test('an outcome above the bound is committed alone', async () => {
  const { batches, write } = await start()
  await write([anOutcome(), anOutcome({ result: 'x'.repeat(9 * MIB) }), anOutcome()])
  expect(batches).toEqual([1, 1, 1])
})

test('a body that is not stored does not count, nor does a hole in a list of rows', async () => {
  const { batches, write } = await start()
  const { envelope } = anOutcome()
  const done = { ...anOutcome(), envelope: { ...envelope, body: new Uint8Array(9 * MIB) } }
  const writes: StoredRow[] = []
  writes[1] = { table: 't', values: ['a'] }
  await write([anOutcome(), done, anOutcome({ writes })])
  expect(batches).toEqual([3])
})

test.each(['XX000', '53200'])(
  'a job at which the database fails every time (%s) is found and buried',
  async (state) => {
    const outcomes = Array.from({ length: 4 }, () => anOutcome())
    const guilty = outcomes[2]?.envelope.id
    let failures = 0
    const { committed, write } = await start((batch) => {
      if (!batch.some((one) => one.envelope.id === guilty && one.state !== 'dead')) return
      failures++
      throw new SqlError('failed', state)
    })
    await write(outcomes)
    expect(committed.map((one) => one.state)).toEqual(['done', 'done', 'dead', 'done'])
    expect(failures).toBe(3 * BOUNDS.writer.internalErrorsMax)
  },
)

test('other resources are waited for, however long', async () => {
  let failures = 0
  const { committed, write } = await start(() => {
    if (++failures <= 3 * BOUNDS.writer.internalErrorsMax) throw new SqlError('disk full', '53100')
  })
  await write([anOutcome(), anOutcome()])
  expect(committed.map((one) => one.state)).toEqual(['done', 'done'])
})

test('a killed writer commits none of what it held, and tells nobody of the batch under way', async () => {
  const { writer, batches, committed } = await start()
  writer.tell({ type: 'commit', outcomes: Array.from({ length: 250 }, () => anOutcome()) })
  await Promise.resolve()
  expect(batches).toEqual([100])
  writer.kill()
  await new Promise(setImmediate)
  expect([batches, committed]).toEqual([[100], []])
})

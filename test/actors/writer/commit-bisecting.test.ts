import fc from 'fast-check'
import { expect, test } from 'vitest'
import { commitBisecting } from '../../../actors/writer/commit-bisecting.ts'
import type { Outcome } from '../../../runtime/job/outcome.ts'
import { type CommitVerdict, OutcomeDataError } from '../../../runtime/store/job-store.ts'
import { SqlError } from '../../../runtime/store/sql.ts'
import { anOutcome } from '../../support/jobs.ts'

const APPLIED: CommitVerdict = { verdict: 'applied' }

/** A database that refuses a whole transaction for one guilty row, as PostgreSQL does. */
function database(guilty: ReadonlySet<string>) {
  const stored: Outcome[] = []
  let commits = 0
  const commit = async (outcomes: readonly Outcome[]): Promise<CommitVerdict[]> => {
    commits++
    if (outcomes.some(({ envelope, state }) => guilty.has(envelope.id) && state !== 'dead'))
      throw new SqlError('violates check constraint', '23514')
    stored.push(...outcomes)
    return outcomes.map(() => APPLIED)
  }
  return { stored, commit, commits: () => commits }
}

test('every innocent job is stored as it is, every guilty one as dead without its writes, in the order of the batch', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.boolean(), { minLength: 1, maxLength: 40 }), async (guilt) => {
      const batch = guilt.map(() => anOutcome({ writes: [{ table: 't', values: [] }] }))
      const guilty = new Set(batch.filter((_, i) => guilt[i]).map(({ envelope }) => envelope.id))
      const { stored, commit } = database(guilty)
      const committed = await commitBisecting(batch, commit)
      expect(committed?.map(({ outcome }) => outcome.envelope.id)).toEqual(
        batch.map(({ envelope }) => envelope.id),
      )
      for (const outcome of stored) {
        const isGuilty = guilty.has(outcome.envelope.id)
        expect(outcome.state).toBe(isGuilty ? 'dead' : 'done')
        expect(outcome.writes).toHaveLength(isGuilty ? 0 : 1)
        if (isGuilty)
          expect(outcome.error).toMatchObject({
            code: 'data-error',
            message: expect.stringContaining('23514'),
          })
      }
    }),
  )
})

test('one guilty job in 512 costs a logarithm of commits', async () => {
  const batch = Array.from({ length: 512 }, () => anOutcome())
  const { commit, commits } = database(new Set([batch[300]?.envelope.id ?? '']))
  await commitBisecting(batch, commit)
  expect(commits()).toBeLessThanOrEqual(2 * 9 + 2)
})

test('other errors pass through, and a stop in between is passed on', async () => {
  const lost = new SqlError('connection lost', '08006')
  await expect(commitBisecting([anOutcome()], () => Promise.reject(lost))).rejects.toBe(lost)
  expect(await commitBisecting([anOutcome()], () => Promise.resolve(undefined))).toBeUndefined()
})

test('a job that cannot even be stored as dead is an error, not a loop', async () => {
  const refusesAll = () => Promise.reject(new SqlError('refused', '23514'))
  await expect(commitBisecting([anOutcome()], refusesAll)).rejects.toThrow('refused')
})

test('faults that the store names are buried at once, without halving', async () => {
  const batch = Array.from({ length: 64 }, () => anOutcome())
  let commits = 0
  const committed = await commitBisecting(batch, async (outcomes) => {
    commits++
    const position = outcomes.findIndex(
      ({ envelope, state }) => envelope === batch[10]?.envelope && state !== 'dead',
    )
    if (position < 0) return outcomes.map(() => APPLIED)
    throw new OutcomeDataError([{ position, error: new SqlError('no such column', '22023') }])
  })
  expect(commits).toBe(2)
  expect(committed?.map(({ outcome }) => outcome.state)).toEqual(
    batch.map((_, i) => (i === 10 ? 'dead' : 'done')),
  )
})

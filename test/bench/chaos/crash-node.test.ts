import { join } from 'node:path'
import { expect, test } from 'vitest'
import { crashNode, type Hardship, weaknessesOf } from '../../../bench/chaos/crash-node.ts'
import { dataDirIn } from '../../../bench/load/node.ts'
import { migrate } from '../../../runtime/store/migrate.ts'
import { openPglite } from '../../../runtime/store/open-pglite.ts'
import { PgliteSql } from '../../../runtime/store/pglite-sql.ts'
import { brokenIn, CHAOS_TIMEOUT_MS, chaosDirectories, runChaos } from '../../support/chaos.ts'

/** A scenario that lets a node with a fault pass is worth nothing: each promise is broken once, from the outside. */
const freshDirectory = chaosDirectories()

/**
 * So much load that in most rounds some of it is stored, and not committed as an offset, when the node is killed; of the
 * rounds one is enough, as the run ends with the first offence.
 */
const HARD = { acceptedMin: 1_500, rounds: 5 }

test(
  'a sound node keeps its promises',
  async () => {
    const { judgements } = await runChaos(crashNode, freshDirectory(), { acceptedMin: 1_500 })
    expect(judgements.flatMap(({ offences }) => offences)).toEqual([])
    expect(judgements.map(({ promise }) => promise)).toEqual(['L2', 'S1', 'S2', 'S3', 'S4', 'S5', 'alive'])
  },
  CHAOS_TIMEOUT_MS,
)

test(
  'a 202 that comes before the append breaks S1',
  async () => {
    const run = await runChaos(crashNode, freshDirectory(), { sabotage: 'answer-before-append' })
    expect(brokenIn(run)).toContain('S1')
  },
  CHAOS_TIMEOUT_MS,
)

test(
  'a job table that takes a job twice breaks S2',
  async () => {
    const directory = freshDirectory()
    await allowRowsTwice(join(dataDirIn(directory), 'postgres'))
    expect(brokenIn(await runChaos(crashNode, directory, HARD))).toContain('S2')
  },
  CHAOS_TIMEOUT_MS,
)

test(
  'a job that is dropped after its 202 breaks S3',
  async () => {
    const run = await runChaos(crashNode, freshDirectory(), { sabotage: 'dropped-job' })
    expect(brokenIn(run)).toContain('S3')
  },
  CHAOS_TIMEOUT_MS,
)

test(
  'offsets that are committed before the transaction break S4',
  async () => {
    const run = await runChaos(crashNode, freshDirectory(), { sabotage: 'offsets-first' })
    expect(brokenIn(run)).toContain('S4')
  },
  CHAOS_TIMEOUT_MS,
)

test(
  'jobs of one ordering key that run side by side break S5',
  async () => {
    const run = await runChaos(crashNode, freshDirectory(), { sabotage: 'order-ignored', acceptedMin: 500 })
    expect(brokenIn(run)).toContain('S5')
  },
  CHAOS_TIMEOUT_MS,
)

test(
  'a node that buries its jobs breaks S3',
  async () => {
    const run = await runChaos(crashNode, freshDirectory(), { sabotage: 'buried-job' })
    expect(brokenIn(run)).toEqual(['S3'])
  },
  CHAOS_TIMEOUT_MS,
)

test(
  'a node that ends before it is killed is not taken for killed',
  async () => {
    const run = await runChaos(crashNode, freshDirectory(), { sabotage: 'own-end' })
    expect(brokenIn(run)).toContain('alive')
  },
  CHAOS_TIMEOUT_MS,
)

test('what was not hard on the node is weak: few jobs, few of them in flight, none delivered twice', () => {
  const hard: Hardship = { round: 1, accepted: 700, inFlight: 50, twice: 0 }
  const twice = { ...hard, round: 2, twice: 1 }
  expect(weaknessesOf([hard, twice], 500)).toEqual([])
  expect(weaknessesOf([hard], 500)).toEqual([expect.stringMatching(/S2 was not put to the test/)])
  expect(weaknessesOf([twice, { ...hard, accepted: 499, inFlight: 49 }], 500)).toEqual([
    'round 1: only 499 of 500 jobs accepted',
    'round 1: only 49 of 50 jobs in flight at the kill',
  ])
})

/** Uniqueness off: a row makes room for its copy, whose effect is then taken for the first. */
async function allowRowsTwice(postgres: string): Promise<void> {
  const sql = new PgliteSql(await openPglite(postgres))
  await migrate(sql, [])
  await sql.script(`
    create function spillway.make_room() returns trigger language plpgsql as
      $$ begin delete from spillway.jobs where id = new.id; return new; end $$;
    create trigger make_room before insert on spillway.jobs for each row execute function spillway.make_room()`)
  await sql.close()
}

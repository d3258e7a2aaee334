import { join } from 'node:path'
import { expect, test } from 'vitest'
import { crashNode } from '../../../bench/chaos/crash-node.ts'
import { dataDirIn } from '../../../bench/chaos/node-process.ts'
import { migrate } from '../../../runtime/store/migrate.ts'
import { openPglite } from '../../../runtime/store/open-pglite.ts'
import { PgliteSql } from '../../../runtime/store/pglite-sql.ts'
import { brokenIn, CHAOS_TIMEOUT_MS, chaosDirectories, runChaos } from '../../support/chaos.ts'

/** A scenario that lets a node with a fault pass is worth nothing: each promise is broken once, from the outside. */
const freshDirectory = chaosDirectories()

/** So much load that some of it is stored, and not committed as an offset, when the node is killed. */
const HARD = { acceptedMin: 1_500 }

test(
  'a sound node keeps its promises, and the run is hard on it',
  async () => {
    const { judgements, weaknesses } = await runChaos(crashNode, freshDirectory(), HARD)
    expect(judgements.flatMap(({ offences }) => offences)).toEqual([])
    expect(judgements.map(({ promise }) => promise)).toEqual(['L2', 'S1', 'S2', 'S3', 'S4', 'S5'])
    expect(weaknesses).toEqual([])
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

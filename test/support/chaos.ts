import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll } from 'vitest'
import type { Scenario, ScenarioOptions, ScenarioResult } from '../../bench/chaos/scenario.ts'
import { dataDirIn } from '../../bench/load/node.ts'
import { openPglite } from '../../runtime/store/open-pglite.ts'
import { suiteDirectory, temporaryDirectory } from './temporary-directory.ts'

/** Chaos runs as tests have them: of a small load, one round where no more are asked for, on a sound node or on one of `sabotages.ts`. */
export const CHAOS_TIMEOUT_MS = 90_000
const SABOTAGED = fileURLToPath(new URL('sabotaged-node.ts', import.meta.url))
const SEED = 4

/** Directories for runs, their database made already: that is the dearest part of a first start. Call it first in a file. */
export function chaosDirectories(): () => string {
  const template = suiteDirectory()
  beforeAll(async () => {
    const pg = await openPglite(join(template, 'postgres'))
    await pg.close()
  })
  return () => {
    const directory = temporaryDirectory()
    cpSync(template, dataDirIn(directory), { recursive: true })
    return directory
  }
}

export const runChaos = (
  scenario: Scenario,
  directory: string,
  {
    sabotage,
    acceptedMin = 150,
    rounds = 1,
    ...options
  }: { sabotage?: string } & Partial<Pick<ScenarioOptions, 'acceptedMin' | 'rounds' | 'share' | 'how'>> = {},
): Promise<ScenarioResult> =>
  scenario({
    seed: SEED,
    rounds,
    directory,
    acceptedMin,
    ...options,
    ...(sabotage === undefined ? {} : { entry: [SABOTAGED, sabotage] }),
    say: () => {},
  })

/** The promises that a run has found broken. */
export const brokenIn = ({ judgements }: ScenarioResult): string[] =>
  judgements.filter(({ offences }) => offences.length > 0).map(({ promise }) => promise)

import { writeFileSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'
import { TALLY_FILE, tallyOf } from './tally.ts'

/** A reporter of vitest: leaves the tally of the run, as JSON, in the file that the environment names. */
export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const file = process.env[TALLY_FILE]
    if (file === undefined) throw new Error(`${TALLY_FILE} must name the file to write the tally to`)
    writeFileSync(file, JSON.stringify(tallyOf(modules, unhandledErrors)))
  }
}

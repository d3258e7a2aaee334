import type { TestModule } from 'vitest/node'

/** Names the environment variable that names the file for the tally. */
export const TALLY_FILE = 'TALLY_FILE'

/** What a test run came to, test by test. */
export interface Tally {
  passed: number
  failed: number
  /** Full names, with their file. */
  skipped: string[]
}

/**
 * Counts the tests of a run. Besides failed tests, these count as one failure each: a test that never got to its end, a
 * file or suite with an error of its own (in its imports or hooks), a file that never ran, an error outside of any test.
 */
export function tallyOf(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): Tally {
  const tally: Tally = { passed: 0, failed: unhandledErrors.length, skipped: [] }
  for (const module of modules) {
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      if (state === 'passed') tally.passed++
      else if (state === 'skipped') tally.skipped.push(`${module.relativeModuleId} > ${test.fullName}`)
      else tally.failed++
    }
    const suites = [module, ...module.children.allSuites()]
    tally.failed += suites.filter((suite) => suite.errors().length > 0).length
    if (module.children.size === 0 && ['queued', 'pending'].includes(module.state())) tally.failed++
  }
  return tally
}

/** `12 passed, 1 failed`, and `, 2 skipped` where there are any. */
export const tallyLine = ({ passed, failed, skipped }: Tally): string =>
  [`${passed} passed`, `${failed} failed`, ...(skipped.length > 0 ? [`${skipped.length} skipped`] : [])].join(
    ', ',
  )

/** Why a run with this outcome is no success; undefined when it is one. In CI no test may be skipped. */
export function whyNot({ passed, failed, skipped }: Tally, isCi: boolean): string | undefined {
  if (failed > 0) return `${failed} failed`
  if (passed === 0) return 'no test ran'
  if (isCi && skipped.length > 0) return ['in CI no test may be skipped:', ...skipped].join('\n  ')
  return undefined
}

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { TALLY_FILE, type Tally, tallyLine, whyNot } from './support/tally.ts'

/**
 * What `npm test` runs: vitest once, with the arguments given. Its last line is `N passed, N failed` (and `, N skipped`
 * where there are any); its exit code is 0 only when tests ran and none failed. With CI=true none may be skipped. A run
 * that can't even count its tests is one failure.
 */

/** The exit code of vitest, and its tally if it got so far as to leave one. */
async function runVitest(args: readonly string[]): Promise<{ code: number; tally: Tally | undefined }> {
  const directory = mkdtempSync(join(tmpdir(), 'spillway-tally-'))
  try {
    const file = join(directory, 'tally.json')
    const cli = fileURLToPath(new URL('vitest.mjs', import.meta.resolve('vitest/package.json')))
    const reporter = `--reporter=${fileURLToPath(import.meta.resolve('./support/tally-reporter.ts'))}`
    const shown = args.some((arg) => arg.startsWith('--reporter')) ? [] : ['--reporter=default']
    const vitest = spawn(process.execPath, [cli, 'run', ...args, ...shown, reporter], {
      stdio: 'inherit',
      env: { ...process.env, [TALLY_FILE]: file },
    })
    // A terminal interrupts vitest itself; what only this process hears has to be passed on.
    process.on('SIGINT', () => {})
    process.on('SIGTERM', () => vitest.kill('SIGTERM'))
    const [code] = (await once(vitest, 'close')) as [number | null]
    const tally = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Tally) : undefined
    return { code: code ?? 1, tally }
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
}

const { code, tally } = await runVitest(process.argv.slice(2))
const counted = tally ?? { passed: 0, failed: 1, skipped: [] }
const ended = code === 0 && tally !== undefined ? undefined : `vitest ended with exit code ${code}`
const reason = (tally && whyNot(tally, process.env.CI === 'true')) ?? ended
if (reason !== undefined) console.error(`\nThis is no success: ${reason}`)
console.log(tallyLine(counted))
process.exitCode = reason === undefined ? 0 : code || 1

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { temporaryDirectory } from './temporary-directory.ts'

const PROJECT = join(import.meta.dirname, '../..')

interface Run {
  code: number
  lastLine: string
  errors: string
}

/** Runs `test/run.ts` on test files of its own. */
async function run(
  files: Record<string, string>,
  { args = [], ci = false }: { args?: string[]; ci?: boolean } = {},
): Promise<Run> {
  const root = temporaryDirectory()
  symlinkSync(join(PROJECT, 'node_modules'), join(root, 'node_modules'))
  for (const [name, body] of Object.entries(files))
    writeFileSync(
      join(root, name),
      `import * as vitest from 'vitest'\nconst { it, describe } = vitest\n${body}`,
    )
  const { CI: _, ...env } = process.env
  const child = spawn(process.execPath, [join(PROJECT, 'test/run.ts'), '--root', root, ...args], {
    env: ci ? { ...env, CI: 'true' } : env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const [output, errors, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'close'),
  ])
  return { code, lastLine: output.trimEnd().split('\n').at(-1) ?? '', errors }
}

const PASSES = "it('passes', () => {})"
const SKIPS = "it.skip('waits', () => {})\nit.todo('is planned')"

describe('the last line counts', () => {
  it('tests one by one, skipped ones where there are any', async () => {
    const result = await run({ 'a.test.ts': `${PASSES}\n${SKIPS}`, 'b.test.ts': PASSES })
    expect(result).toMatchObject({ code: 0, lastLine: '2 passed, 0 failed, 2 skipped' })
  })

  it('a failure for each failed test, file that does not load, hook that throws and error outside of any test', async () => {
    const result = await run({
      'a.test.ts': `${PASSES}\nit('fails', () => { throw new Error('so') })`,
      'b.test.ts': "await import('./missing.ts')",
      'c.test.ts': '',
      'd.test.ts': `describe('suite', () => { vitest.afterAll(() => { throw new Error('so') })\n${PASSES} })`,
      'e.test.ts': `${PASSES}\nvitest.afterAll(() => { void Promise.reject(new Error('so')) })`,
    })
    expect(result).toMatchObject({ code: 1, lastLine: '3 passed, 5 failed' })
  })

  it('a failure for each test of a file whose process died', async () => {
    const dies = "it('dies', () => { process.kill(process.pid, 'SIGKILL'); return new Promise(() => {}) })"
    const result = await run({ 'a.test.ts': dies, 'b.test.ts': PASSES })
    expect(result.code).toBe(1)
    expect(result.lastLine).toMatch(/^1 passed, [12] failed$/)
  })
})

describe('a run is no success', () => {
  it('when vitest does not start', async () => {
    const result = await run({ 'a.test.ts': PASSES }, { args: ['--no-such-option'] })
    expect(result).toMatchObject({ code: 1, lastLine: '0 passed, 1 failed' })
  })

  it('when there is no test, or all of them are skipped', async () => {
    expect(await run({})).toMatchObject({ code: 1, lastLine: '0 passed, 0 failed' })
    const skipped = await run({ 'a.test.ts': SKIPS })
    expect(skipped).toMatchObject({ code: 1, lastLine: '0 passed, 0 failed, 2 skipped' })
    expect(skipped.errors).toContain('no test ran')
  })

  it('in CI, when a test is skipped; it is named', async () => {
    const result = await run({ 'a.test.ts': `${PASSES}\n${SKIPS}` }, { ci: true })
    expect(result).toMatchObject({ code: 1, lastLine: '1 passed, 0 failed, 2 skipped' })
    expect(result.errors).toContain('a.test.ts > waits')
    expect(result.errors).toContain('a.test.ts > is planned')
  })
})

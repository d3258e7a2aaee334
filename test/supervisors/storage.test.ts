import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../../runtime/config/load-config.ts'
import { openStorage } from '../../supervisors/storage.ts'
import { temporaryDirectory } from '../support/temporary-directory.ts'

const configOf = (dataDir: string) =>
  loadConfig({
    argv: ['--data-dir', dataDir],
    env: {},
    readFile: () => '{}',
    defaults: { 'handlers.directory': '.' },
  }).config

/** What it warns of; something is in the log afterwards. */
async function warningsOf(dataDir: string): Promise<readonly string[]> {
  const storage = await openStorage(configOf(dataDir))
  const record = { lane: 'pool-a.normal', partition: 0, value: new Uint8Array(9), traceparent: '' }
  expect(await storage.log.append([record])).toEqual(['acked'])
  await storage.close()
  return storage.warnings
}

test('a part that was there before and is not any more is named; a new directory is no loss', async () => {
  const dataDir = temporaryDirectory()
  expect(await warningsOf(dataDir)).toEqual([])
  expect(await warningsOf(dataDir)).toEqual([expect.stringMatching('postgres is not there')])
  mkdirSync(join(dataDir, 'postgres'))
  expect(await warningsOf(dataDir)).toEqual([])
  rmSync(join(dataDir, 'log'), { recursive: true })
  expect(await warningsOf(dataDir)).toEqual([expect.stringMatching('log was not there')])
})

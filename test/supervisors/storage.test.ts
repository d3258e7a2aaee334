import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { loadConfig } from '../../runtime/config/load-config.ts'
import { claimKeyOf } from '../../runtime/job/id.ts'
import { openStorage } from '../../supervisors/storage.ts'
import { aJob } from '../support/jobs.ts'
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

test('every job of the log is claimed after a start, but not without the table that has it', async () => {
  const dataDir = temporaryDirectory()
  const { envelope, encoded } = aJob()
  const claimAfterStart = async () => {
    const storage = await openStorage(configOf(dataDir))
    const claim = await storage.claims.lookup(claimKeyOf(envelope.id), Date.now())
    const record = {
      lane: 'pool-a.normal',
      partition: 0,
      value: encoded,
      traceparent: envelope.traceparent,
    }
    await storage.log.append([record])
    await storage.close()
    return claim
  }
  mkdirSync(join(dataDir, 'postgres'))
  expect(await claimAfterStart()).toBeUndefined()
  expect(await claimAfterStart()).toMatchObject({
    state: 'accepted',
    id: envelope.id,
    tenant: envelope.tenant,
  })
  rmSync(join(dataDir, 'postgres'), { recursive: true })
  expect(await claimAfterStart()).toBeUndefined()
})

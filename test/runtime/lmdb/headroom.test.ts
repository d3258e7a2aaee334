import { closeSync, ftruncateSync, openSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { bytesNeeded, Headroom } from '../../../runtime/lmdb/headroom.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const MIB = 1024 * 1024

function emptyFile(): { path: string; descriptor: number } {
  const path = join(temporaryDirectory(), 'data')
  const descriptor = openSync(path, 'w+')
  onTestFinished(() => closeSync(descriptor))
  return { path, descriptor }
}

test('grows the file in steps with blocks on the disk, no holes, and no more than it must', async () => {
  const { path, descriptor } = emptyFile()
  const headroom = new Headroom(path, descriptor)
  await headroom.provide(0, 1)
  expect(statSync(path)).toMatchObject({ size: MIB })
  await headroom.provide(MIB / 2, MIB / 2)
  expect(statSync(path).size).toBe(MIB)
  await headroom.provide(MIB, 2 * MIB)
  const { size, blocks } = statSync(path)
  expect(size).toBe(3 * MIB)
  expect(blocks * 512).toBeGreaterThanOrEqual(size)
  expect(readFileSync(path).every((byte) => byte === 0)).toBe(true)
})

test('takes what a file has already as room, and leaves it as it is', async () => {
  const { path, descriptor } = emptyFile()
  ftruncateSync(descriptor, 2 * MIB)
  await new Headroom(path, descriptor).provide(MIB, MIB)
  expect(statSync(path).size).toBe(2 * MIB)
})

test('a disk without room is an error that names the file, the cause and what is free', async () => {
  const descriptor = openSync('/dev/full', 'r+')
  onTestFinished(() => closeSync(descriptor))
  await expect(new Headroom('/dev/full', descriptor).provide(0, 5_000)).rejects.toMatchObject({
    name: 'NoRoomError',
    code: 'ENOSPC',
    message: expect.stringMatching(/^\/dev\/full can't grow by 5000 bytes \(ENOSPC\): \d+ bytes are free/),
  })
})

test('a transaction needs more than its values', () => {
  expect(bytesNeeded({ writes: 10, bytes: 1_000_000 })).toBeGreaterThan(1_000_000 + 10 * 4096)
})

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { lockDataDirectory } from '../../../runtime/log/data-directory.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

test('the directory is created for its owner only, parents included', async () => {
  const path = join(temporaryDirectory(), 'node', 'data')
  expect((await lock(path)).path).toBe(path)
  expect(statSync(path).mode & 0o777).toBe(0o700)
})

test('a directory in use is refused, naming it and the process', async () => {
  const path = temporaryDirectory()
  await lock(path)
  await expect(lock(path)).rejects.toMatchObject({ name: 'DataDirectoryError' })
  await expect(lock(path)).rejects.toThrow(`data directory ${path} is in use by process ${process.pid}`)
})

test('a released directory is free', async () => {
  const path = temporaryDirectory()
  const first = await lock(path)
  await first.release()
  await first.release()
  await lock(path)
  await expect(lock(path)).rejects.toThrow('in use')
})

test('a directory held by another process is free as soon as that is killed with -9', async () => {
  const path = temporaryDirectory()
  const owner = await hold(path)
  expect(owner.answer).toBe('locked')
  await expect(lock(path)).rejects.toThrow(`in use by process ${owner.process.pid} on `)
  owner.process.kill('SIGKILL')
  await once(owner.process, 'exit')
  await lock(path)
})

test('a stopped owner still holds its directory', async () => {
  const path = temporaryDirectory()
  const owner = await hold(path)
  owner.process.kill('SIGSTOP')
  await expect(lock(path)).rejects.toThrow('in use by a process that does not answer')
})

test('of several processes that find a dead lock exactly one gets the directory', async () => {
  const path = temporaryDirectory()
  const dead = await hold(path)
  dead.process.kill('SIGKILL')
  await once(dead.process, 'exit')
  const answers = await Promise.all([1, 2, 3, 4].map(async () => (await hold(path)).answer))
  expect(answers.filter((answer) => answer === 'locked')).toHaveLength(1)
  expect(answers.filter((answer) => answer.includes('in use by process'))).toHaveLength(3)
})

test('of many attempts at once exactly one gets the directory, round after round', async () => {
  const path = temporaryDirectory()
  for (let round = 0; round < 10; round++) {
    const attempts = await Promise.allSettled(Array.from({ length: 10 }, () => lock(path)))
    const [winner, ...others] = attempts.filter(({ status }) => status === 'fulfilled')
    expect(others).toEqual([])
    if (winner?.status === 'fulfilled') await winner.value.release()
  }
  expect(readdirSync(path)).toHaveLength(1)
})

test('a path longer than a socket address will do', async () => {
  const path = join(temporaryDirectory(), 'x'.repeat(150))
  await lock(path)
  await expect(lock(path)).rejects.toThrow('in use')
})

test('what is no directory is refused by name', async () => {
  const path = join(temporaryDirectory(), 'file')
  writeFileSync(path, '')
  await expect(lock(path)).rejects.toThrow(`data directory ${path} can't be used`)
})

test('a directory that can not be written to is refused by name', async () => {
  // Not even root writes there.
  const path = '/sys/kernel'
  await expect(lock(path)).rejects.toThrow(`data directory ${path} can't be used`)
})

async function lock(path: string) {
  const directory = await lockDataDirectory(path)
  onTestFinished(() => directory.release())
  return directory
}

async function hold(path: string): Promise<{ process: ChildProcess; answer: string }> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'hold-directory.ts'), path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const [answer] = await once(createInterface({ input: child.stdout! }), 'line')
  return { process: child, answer }
}

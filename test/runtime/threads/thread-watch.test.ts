import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { expect, onTestFinished, test } from 'vitest'
import { echoThread } from '../../support/echo-thread.ts'
import { until } from '../../support/until.ts'

test('a thread that is well is shown with its memory, its watermark and its jobs', async () => {
  const { spec, ref, messages } = echoThread({ limits: {} })
  const running = await spec.start()
  for (const work of ['work until told', 'work until told', 'finish']) ref.tell(work)
  await until(() => messages.includes('finished'), 'a job')
  await until(() => (ref.inspect().memory as { usedBytes: number }).usedBytes > 0, 'a look at its memory')
  expect(spec.inspect()).toMatchObject({
    type: 'thread',
    state: 'running',
    incarnation: 1,
    jobsDone: 1,
    busyJobs: 1,
    memory: { usedBytes: expect.any(Number), watermarkBytes: 64 * 1_048_576 },
    stalledMs: expect.any(Number),
    finishing: 0,
  })
  running.kill()
  await running.exited
})

test('many handlers that compute in one turn, each within its limit, are no busy loop', async () => {
  const { spec, ref, messages } = echoThread({ limits: { graceMs: 100 } })
  const running = await spec.start()
  ref.tell('compute many')
  await until(() => messages.includes('computed'), 'all of them')
  expect(ref.incarnation).toBe(1)
  running.kill()
  expect(await running.exited).toEqual({ kind: 'killed' })
})

test('a builtin that does not return makes a thread unresponsive; killed, it lingers, and the node is told', async () => {
  const { spec, ref, watch, lasting } = echoThread({ limits: { idleLimitMs: 250 } })
  const running = await spec.start()
  ref.tell('one builtin')
  await until(() => ref.inspect().state === 'unresponsive', 'it is unresponsive')
  expect(await running.exited).toMatchObject({ kind: 'thread', cause: 'unresponsive' })
  expect(watch?.lingering).toBe(1)
  await until(() => lasting.length > 0, 'the node is told')
  await until(() => watch?.lingering === 0, 'the builtin has returned')
})

test('a process that was stopped and goes on has killed no thread', async () => {
  const child = fork(new URL('../../support/modules/watched-process.ts', import.meta.url))
  onTestFinished(() => void child.kill('SIGKILL'))
  const said: unknown[] = []
  child.on('message', (message) => said.push(message))
  await once(child, 'message')
  expect(said).toEqual(['computing'])
  child.kill('SIGSTOP')
  await until(async () => (await stateOf(child.pid)) === 'T', 'it is stopped')
  // Longer than the limit of its handler: this is the time that it must not count.
  const stoppedAt = performance.now()
  await until(() => performance.now() - stoppedAt > 1_200, 'the limit has passed')
  child.kill('SIGCONT')
  await once(child, 'exit')
  // By itself, once it has heard that.
  expect(said).toEqual(['computing', 'computed', 'killed'])
})

const stateOf = async (pid = 0): Promise<string | undefined> =>
  (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.[0]

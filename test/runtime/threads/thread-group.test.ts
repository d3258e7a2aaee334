import { expect, test } from 'vitest'
import { echoThread } from '../../support/echo-thread.ts'
import { until } from '../../support/until.ts'

const openPorts = (): number =>
  process.getActiveResourcesInfo().filter((name) => name === 'MessagePort').length

test('a group that keeps a spare takes it for the next start, and boots another', async () => {
  const { spec, ref, messages } = echoThread({ group: { keepsSpare: true } })
  for (let life = 1; life <= 3; life++) {
    const running = await spec.start()
    ref.tell(life)
    await until(() => messages.length === life, 'its answer')
    running.kill()
    await running.exited
  }
  expect(messages).toEqual([1, 2, 3].map((life) => ({ echo: life, incarnation: life })))
  spec.close()
})

test('what is not to be restarted leaves no spare behind', async () => {
  const before = openPorts()
  const { spec } = echoThread({ group: { keepsSpare: true } })
  const running = await spec.start()
  running.kill()
  await running.exited
  spec.close()
  await until(() => openPorts() === before, 'all ports are closed')
})

test('a start that fails leaves nothing behind, and does not latch its group', async () => {
  const before = openPorts()
  const args = { failStart: true }
  const { spec } = echoThread({ args, group: { keepsSpare: true } })
  for (let n = 0; n < 5; n++) await expect(spec.start()).rejects.toThrow('told not to start')
  args.failStart = false
  const running = await spec.start()
  running.kill()
  await running.exited
  spec.close()
  await until(() => openPorts() === before, 'all ports are closed')
})

test('nothing that a killed thread still posts is delivered after its exit', async () => {
  const { spec, ref, messages } = echoThread()
  const running = await spec.start()
  const worker = ref.current?.worker
  ref.tell('chatter')
  await until(() => messages.length > 0, 'its chatter')
  running.kill()
  expect(await running.exited).toEqual({ kind: 'killed' })
  const heard = messages.length
  await until(() => worker?.threadId === -1, 'the thread has ended')
  await new Promise(setImmediate)
  expect(messages).toHaveLength(heard)
})

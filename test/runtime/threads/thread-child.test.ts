import { expect, test } from 'vitest'
import type { Signal } from '../../../runtime/actor/actor.ts'
import { Supervisor } from '../../../runtime/supervision/supervisor.ts'
import { echoThread } from '../../support/echo-thread.ts'
import { until } from '../../support/until.ts'

test('a thread takes messages, answers, and ends in an orderly way with its last words heard', async () => {
  const { ref, spec, messages } = echoThread()
  const running = await spec.start()
  expect(ref.tell('hello')).toBe('accepted')
  running.stop()
  expect(await running.exited).toEqual({ kind: 'normal' })
  expect(messages).toEqual([{ echo: 'hello', incarnation: 1 }, 'terminated'])
  expect(ref.tell('too late')).toBe('dead')
})

test('a stop waits for what was received before it, and takes up nothing more', async () => {
  const { ref, spec, messages } = echoThread()
  const running = await spec.start()
  ref.tell('take a moment')
  running.stop()
  ref.tell('too late')
  expect(await running.exited).toEqual({ kind: 'normal' })
  expect(messages).toEqual(['took a moment', 'terminated'])
})

test('a busy loop is killed at once, and its board shows that it did not beat', async () => {
  const { ref, spec, messages } = echoThread()
  const running = await spec.start()
  const signals: Signal[] = []
  ref.watch((signal) => signals.push(signal))
  ref.tell('spin')
  await until(() => messages.includes('spinning'), 'the loop')
  running.kill()
  expect(await running.exited).toEqual({ kind: 'killed' })
  expect(signals).toMatchObject([{ signal: 'DOWN', incarnation: 1, reason: { kind: 'killed' } }])
})

test('what was posted before process.exit is heard before the exit', async () => {
  const { ref, spec, messages } = echoThread()
  const running = await spec.start()
  ref.tell('exit')
  expect(await running.exited).toMatchObject({ kind: 'thread', cause: 'exit' })
  expect(messages).toEqual(['last words'])
})

test('unread messages are bounded: the ref of a spinning thread becomes full', async () => {
  const { ref, spec, messages } = echoThread({ capacity: 3 })
  const running = await spec.start()
  ref.tell('spin')
  await until(() => messages.includes('spinning'), 'the loop')
  expect([1, 2, 3, 4].map((n) => ref.tell(n))).toEqual(['accepted', 'accepted', 'accepted', 'full'])
  running.kill()
  await running.exited
})

test('a module that does not start fails the start with its own error, and a later start may succeed', async () => {
  const args = { failStart: true }
  const { spec } = echoThread({ args })
  await expect(spec.start()).rejects.toThrow('told not to start')
  args.failStart = false
  const running = await spec.start()
  running.stop()
  await running.exited
})

test('a supervised thread that throws is replaced by a fresh one under the next incarnation', async () => {
  const { system, ref, spec, messages } = echoThread()
  const supervisor = new Supervisor(system, { path: '/test', strategy: 'one_for_one', children: [spec] })
  await supervisor.start()
  ref.tell('throw')
  await until(() => ref.incarnation === 2 && ref.isRunning, 'the replacement')
  ref.tell('again')
  await until(() => messages.length === 1, 'its answer')
  expect(messages).toEqual([{ echo: 'again', incarnation: 2 }])
  supervisor.stop()
  await supervisor.exited
})

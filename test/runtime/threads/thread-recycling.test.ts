import { expect, test } from 'vitest'
import { Supervisor } from '../../../runtime/supervision/supervisor.ts'
import { echoThread } from '../../support/echo-thread.ts'
import { until } from '../../support/until.ts'

/** A supervised thread that is worn after three jobs. */
async function start() {
  const thread = echoThread({ limits: { jobsMax: 3 } })
  const { system, spec, ref, messages } = thread
  const supervisor = new Supervisor(system, { path: '/test', strategy: 'one_for_one', children: [spec] })
  await supervisor.start()
  const first = ref.current
  const wearOut = async (): Promise<void> => {
    for (const work of ['work until told', 'finish']) for (let n = 0; n < 3; n++) ref.tell(work)
    await until(() => messages.filter((message) => message === 'finished').length === 3, 'three jobs')
  }
  const echoes = () => messages.filter((message) => typeof message === 'object')
  const stop = async (): Promise<void> => {
    supervisor.stop()
    await supervisor.exited
  }
  return { ...thread, supervisor, first, wearOut, echoes, stop }
}

test('a worn thread is replaced without a gap: every message is taken, by the one or the next', async () => {
  const { ref, wearOut, echoes, downs, supervisor, stop } = await start()
  await wearOut()
  const answers: string[] = []
  while (downs.length === 0) {
    answers.push(ref.tell(answers.length))
    await until(() => echoes().length === answers.length, 'its echo')
  }
  expect(new Set(answers)).toEqual(new Set(['accepted']))
  ref.tell('last')
  await until(() => echoes().length === answers.length + 1, 'all echoes')
  expect(echoes().at(-1)).toEqual({ echo: 'last', incarnation: 2 })
  expect(downs).toMatchObject([{ incarnation: 1, reason: { kind: 'normal' } }])
  expect(supervisor.inspect()).toMatchObject({ budget: { used: 0 }, children: [{ restarts: 0 }] })
  await stop()
})

test('the old one finishes what it has, beside the next, and a crash of it is no crash of the child', async () => {
  const { ref, first, wearOut, messages, downs, supervisor, stop } = await start()
  await wearOut()
  // It never finishes this: the message keeps it from ending.
  first?.tell('spin')
  await until(() => messages.includes('spinning'), 'the loop')
  await until(() => ref.current?.incarnation === 2, 'the next one')
  expect(ref.inspect()).toMatchObject({ state: 'running', incarnation: 2, finishing: 1 })
  await until(() => downs.length > 0, 'the end of the first one')
  expect(downs).toMatchObject([{ incarnation: 1, reason: { kind: 'thread', cause: 'unresponsive' } }])
  expect(supervisor.inspect()).toMatchObject({ budget: { used: 0 } })
  ref.tell('hello')
  await until(() => messages.some((message) => typeof message === 'object'), 'an echo')
  await stop()
})

test('a message to a retired one is refused, and goes to its successor', async () => {
  const { ref, first, wearOut, system, stop } = await start()
  await wearOut()
  await until(() => ref.current?.incarnation === 2, 'the next one')
  if (first?.state === 'retired') {
    expect(first.tell('too late')).toBe('dead')
    expect(system.deadLetters.inspect().count).toBe(0)
  }
  expect(ref.tell('in time')).toBe('accepted')
  await stop()
})

test('a stop ends the one that serves and those that finish what they have', async () => {
  const { ref, wearOut, downs, stop } = await start()
  await wearOut()
  await until(() => ref.current?.incarnation === 2, 'the next one')
  await stop()
  expect(downs.map(({ incarnation, reason }) => `${incarnation} ${reason.kind}`).sort()).toEqual([
    '1 normal',
    '2 normal',
  ])
})

test('the end of a retired one, while its crashed successor is being replaced, is not taken for the end of the replacement', async () => {
  const { ref, spec, messages } = echoThread({ limits: { jobsMax: 3, idleLimitMs: 60_000 } })
  await spec.start()
  const first = ref.current
  for (const work of ['work until told', 'finish']) for (let n = 0; n < 3; n++) ref.tell(work)
  await until(() => messages.filter((message) => message === 'finished').length === 3, 'three jobs')
  // The first one stays with this until it is killed.
  first?.tell('block')
  await until(() => ref.current?.incarnation === 2, 'the next one')
  const second = ref.current
  const secondDown = new Promise((down) => second?.watch(down))
  second?.kill()
  await secondDown
  const starting = spec.start()
  const firstDown = new Promise((down) => first?.watch(down))
  first?.kill()
  await firstDown
  const { exited, kill } = await starting
  expect(await Promise.race([exited, Promise.resolve('it runs')])).toBe('it runs')
  kill()
  expect(await exited).toEqual({ kind: 'killed' })
})

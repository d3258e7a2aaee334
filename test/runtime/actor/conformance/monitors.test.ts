import { expect, test } from 'vitest'
import type { ActorContext, Behaviour, Signal } from '../../../../runtime/actor/actor.ts'
import type { ExitReason } from '../../../../runtime/actor/exit-reason.ts'
import { Actors, idle, type Step, settled } from './fixture.ts'

/** erlang:monitor/2, erlang:demonitor/1,2. Signals of threads are in test/runtime/threads. */

/** A puppet that writes down the signals that it gets. */
function observer(signals: Signal[]) {
  return (self: ActorContext<Step>): Behaviour<Step> => ({
    receive: (step) => step(self),
    onSignal: (signal) => void signals.push(signal),
  })
}

async function watching() {
  const actors = new Actors()
  const signals: Signal[] = []
  const target = await actors.started<Step>('target', (self) => ({ receive: (step) => step(self) }))
  const watcher = await actors.started('watcher', observer(signals))
  const watch = async (): Promise<() => void> => {
    const demonitor = Promise.withResolvers<() => void>()
    watcher.tell((self) => demonitor.resolve(self.watch(target)))
    return demonitor.promise
  }
  return { actors, signals, target, watcher, watch }
}

const reasonsOf = (signals: readonly Signal[]): string[] => signals.map(({ reason }) => reason.kind)

test('a DOWN message is sent once when the monitored process ends, and names it', async () => {
  const { signals, target, watch } = await watching()
  await watch()
  target.kill()
  target.kill()
  await settled()
  await target.start()
  target.kill()
  await settled()
  expect(signals).toEqual([
    { signal: 'DOWN', path: '/test/target', incarnation: 1, reason: { kind: 'killed' } },
  ])
})

test('the DOWN message is sent at once, with noproc, if the monitored process does not exist', async () => {
  const { signals, target, watch } = await watching()
  target.kill()
  await watch()
  await settled()
  expect(signals).toEqual([
    { signal: 'DOWN', path: '/test/target', incarnation: 1, reason: { kind: 'noproc' } },
  ])
})

test.each<
  [string, ExitReason['kind'], (target: { stop(): void; kill(): void; tell(step: Step): unknown }) => void]
>([
  ['the process exited by itself', 'normal', (target) => target.tell((self) => self.stop())],
  ['its supervisor ordered it to stop', 'shutdown', (target) => target.stop()],
  ['it was killed', 'killed', (target) => target.kill()],
  [
    'its handler threw',
    'error',
    (target) =>
      target.tell(() => {
        throw new Error('bad')
      }),
  ],
  ['its handler rejected', 'error', (target) => target.tell(() => Promise.reject(new Error('bad')))],
  [
    'it failed outside of a handler',
    'error',
    (target) => target.tell((self) => void setImmediate(self.fail, 'bad')),
  ],
])('the reason of the DOWN message is the exit reason: %s: %s', async (_, kind, end) => {
  const { signals, target, watch } = await watching()
  await watch()
  end(target)
  await target.exited
  await settled()
  expect(reasonsOf(signals)).toEqual([kind])
})

test('several calls for one process are independent monitorings, each with its own DOWN', async () => {
  const { signals, target, watch } = await watching()
  const [first] = [await watch(), await watch(), await watch()]
  first()
  target.kill()
  await settled()
  expect(reasonsOf(signals)).toEqual(['killed', 'killed'])
})

test('after demonitor with flush no DOWN comes, not even one that was in the mailbox', async () => {
  const { signals, target, watcher, watch } = await watching()
  const demonitor = await watch()
  const inHandler = Promise.withResolvers<void>()
  watcher.tell(async () => {
    await inHandler.promise
    demonitor()
  })
  await settled()
  target.kill()
  inHandler.resolve()
  await settled()
  expect(signals).toEqual([])
})

test('a monitor ends with the process that set it: its next incarnation gets no DOWN of it', async () => {
  const { signals, target, watcher, watch } = await watching()
  await watch()
  watcher.kill()
  await watcher.start()
  target.kill()
  await settled()
  expect(signals).toEqual([])
})

test('a DOWN that waits in the mailbox ends with the process it was sent to', async () => {
  const { signals, target, watcher, watch } = await watching()
  await watch()
  watcher.tell(() => new Promise(() => {}))
  await settled()
  target.kill()
  watcher.kill()
  await watcher.start()
  await settled()
  expect(signals).toEqual([])
})

test('a monitor whose callback throws takes neither the DOWN of the others nor the exit with it', async () => {
  const target = await new Actors().started('target', idle)
  const signals: Signal[] = []
  target.watch(() => {
    throw new Error('bad callback')
  })
  target.watch((signal) => signals.push(signal))
  target.kill()
  expect(await target.exited).toEqual({ kind: 'killed' })
  expect(signals).toHaveLength(1)
})

test('a monitor set while the process starts hears of a failed init', async () => {
  const actors = new Actors()
  const signals: Signal[] = []
  const target = actors.cell('target', () => ({
    receive: () => {},
    init: () => Promise.reject(new Error('no')),
  }))
  const started = target.start()
  target.watch((signal) => signals.push(signal))
  await expect(started).rejects.toThrow('no')
  expect(reasonsOf(signals)).toEqual(['error'])
})

test('a monitor that is ended, by its process or with it, leaves nothing at the target', async () => {
  const { watcher } = await watching()
  let left = 0
  const target = { path: '/test/target', incarnation: 1, watch: () => () => void left++ }
  watcher.tell((self) => {
    self.watch(target)()
    self.watch(target)
  })
  await settled()
  expect(left).toBe(1)
  watcher.kill()
  expect(left).toBe(2)
})

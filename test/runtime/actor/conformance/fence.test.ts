import { expect, test } from 'vitest'
import type { ActorContext, ActorRef } from '../../../../runtime/actor/actor.ts'
import { Actors, idle, puppet, type Step, settled } from './fixture.ts'

/**
 * After exit(Pid, kill) a process sends nothing more. In Node the code of its handler may go on after an `await`, in a
 * timer, or in a callback: what it does through its context is dropped, and counted.
 */

/** A killed handler goes on with `rest`, beside its next incarnation. */
async function afterKill(rest: (self: ActorContext<Step>, cell: ActorRef<Step>, actors: Actors) => unknown) {
  const actors = new Actors()
  const cell = await actors.started<Step>('server', puppet, { stash: 1 })
  const gate = Promise.withResolvers<void>()
  const over = Promise.withResolvers<unknown>()
  cell.tell(async (self) => {
    await gate.promise
    over.resolve(rest(self, cell, actors))
  })
  await settled()
  cell.kill()
  await cell.start()
  gate.resolve()
  const result = await over.promise
  await settled()
  return { cell, result, fenced: actors.counts.fenced }
}

test.each<[string, (self: ActorContext<Step>, cell: ActorRef<Step>) => unknown, unknown]>([
  ['tell itself', (self) => self.self.tell(() => {}), 'dead'],
  ['tell another', (self, cell) => self.to(cell).tell(() => {}), 'dead'],
  ['stash', (self) => self.stash(() => {}), undefined],
  ['unstash', (self) => self.unstashAll(), undefined],
  ['stop', (self) => self.stop(), undefined],
  ['fail', (self) => self.fail(new Error('too late')), undefined],
])('a killed handler that goes on does nothing by its context: %s', async (_, rest, expected) => {
  const { cell, result, fenced } = await afterKill(rest)
  expect([result, fenced]).toEqual([expected, 1])
  expect(cell.inspect()).toMatchObject({
    state: 'running',
    incarnation: 2,
    handled: 1,
    mailbox: { stashed: 0 },
  })
})

test('a killed handler that goes on sends nothing to others', async () => {
  const received: unknown[] = []
  const { fenced } = await afterKill(async (self, _, actors) => {
    const other = await actors.started('other', () => ({ receive: (message) => void received.push(message) }))
    self.to(other).tell('hello')
    self.to(other).watch(() => received.push('DOWN'))
    other.kill()
  })
  expect([received, fenced]).toEqual([[], 2])
})

test('a killed handler that goes on gets no DOWN, nor does its next incarnation', async () => {
  const { cell, fenced } = await afterKill((self, target) => self.watch(target))
  cell.kill()
  expect(fenced).toBe(1)
})

test.each<[string, (self: ActorContext<Step>, cell: ActorRef<Step>) => Promise<unknown>]>([
  ['of its context', (self, cell) => self.ask(cell, () => () => {}, 1_000)],
  ['of a fenced ref', (self, cell) => self.to(cell).ask(() => () => {}, 1_000)],
])('a killed handler that goes on asks nobody, and goes no further: an ask %s', async (_, ask) => {
  let goesOn = false
  const { cell, fenced } = await afterKill((self, target) => {
    ask(self, target).finally(() => {
      goesOn = true
    })
  })
  expect([goesOn, fenced, cell.inspect().handled]).toEqual([false, 1, 1])
})

test('a killed handler that waits for an answer goes no further, and the answer is dropped and counted', async () => {
  const actors = new Actors()
  const answerer = await actors.started<() => void>('answerer', () => ({ receive: (answer) => answer() }))
  const cell = await actors.started<Step>('server', puppet)
  const gate = Promise.withResolvers<void>()
  let goesOn = false
  cell.tell(async (self) => {
    const asked = self.ask<() => void, void>(
      answerer,
      (reply) => () => void gate.promise.then(() => reply.answer()),
      60_000,
    )
    await asked.finally(() => {
      goesOn = true
    })
  })
  await settled()
  cell.kill()
  gate.resolve()
  await settled()
  expect(goesOn).toBe(false)
  expect(actors.counts.lateAnswers).toBe(1)
})

test('a handler that kills its own actor is fenced from there on', async () => {
  const actors = new Actors()
  const cell = await actors.started<Step>('server', puppet)
  cell.tell(async (self) => {
    cell.kill()
    self.self.tell(() => {})
    await Promise.resolve()
    throw new Error('nobody hears this')
  })
  expect(await cell.exited).toEqual({ kind: 'killed' })
  await cell.start()
  let isHandled = false
  cell.tell(() => {
    isHandled = true
  })
  await settled()
  expect(cell.inspect()).toMatchObject({ state: 'running', mailbox: { depth: 0 } })
  expect(isHandled).toBe(true)
  expect(actors.counts.fenced).toBe(1)
})

test('whoever sends to a pid that has ended sends to nobody', async () => {
  const actors = new Actors()
  const pid = Promise.withResolvers<ActorContext<unknown>['self']>()
  const cell = await actors.started('server', (self) => {
    pid.resolve(self.self)
    return idle()
  })
  cell.kill()
  await cell.start()
  expect((await pid.promise).tell('hello')).toBe('dead')
  expect(cell.tell('hello')).toBe('accepted')
})

test('while it lives, a process acts through its context as it would without', async () => {
  const actors = new Actors()
  const received: unknown[] = []
  const other = await actors.started('other', () => ({ receive: (message) => void received.push(message) }))
  const cell = await actors.started<Step>('server', puppet)
  cell.tell((self) => void self.to(other).tell(self.to(other).path))
  await settled()
  expect(received).toEqual(['/test/other'])
  expect(actors.counts).toEqual({ count: 0, fenced: 0, lateAnswers: 0 })
})

test('the end of a killed handler is not taken for that of the handler of the next incarnation', async () => {
  const cell = await new Actors().started<Step>('server', puppet)
  const gate = Promise.withResolvers<void>()
  const events: string[] = []
  cell.tell(() => gate.promise)
  await settled()
  cell.kill()
  await cell.start()
  cell.tell(() => new Promise(() => {}))
  cell.tell(() => void events.push('at the same time'))
  await settled()
  gate.resolve()
  await settled()
  expect(events).toEqual([])
})

test('the pid of an incarnation that has ended is dead for everybody: noproc for who watches it, an ask fails at once', async () => {
  const actors = new Actors()
  const cell = await actors.started<Step>('server', puppet)
  const pid = Promise.withResolvers<ActorRef<Step>>()
  cell.tell((self) => void pid.resolve(self.self))
  const dead = await pid.promise
  cell.kill()
  await cell.start()
  const signals: unknown[] = []
  dead.watch((signal) => signals.push(signal))
  expect(signals).toMatchObject([{ signal: 'DOWN', incarnation: 1, reason: { kind: 'noproc' } }])
  await expect(dead.ask(() => () => {}, 1_000)).rejects.toMatchObject({ code: 'dead' })
})

test('who asks the pid of another that is handling is no cycle of that other', async () => {
  const actors = new Actors()
  const cell = await actors.started<Step>('server', puppet)
  const gate = Promise.withResolvers<void>()
  const pid = Promise.withResolvers<ActorRef<Step>>()
  cell.tell((self) => {
    pid.resolve(self.self)
    return gate.promise
  })
  const asked = (await pid.promise).ask<string>((reply) => () => reply.answer('answered'), 60_000)
  gate.resolve()
  expect(await asked).toBe('answered')
})

import { expect, test } from 'vitest'
import type { Signal } from '../../../../runtime/actor/actor.ts'
import { ActorCell } from '../../../../runtime/actor/actor-cell.ts'
import { testSystem } from '../../../support/test-system.ts'
import { Actors, idle, puppet, type Step, settled } from './fixture.ts'

/**
 * Messages, as in Erlang, but for two differences: a mailbox is bounded, always, and belongs to the actor's name: what waits
 * in it outlives a restart.
 */

/** An actor that writes down what it handles, and fails at `bad`. */
async function recorder(bounds?: { capacity?: number; stash?: number }) {
  const actors = new Actors()
  const handled: string[] = []
  const cell = await actors.started<string>(
    'server',
    () => ({
      receive: (message) => {
        if (message === 'bad') throw new Error('bad message')
        handled.push(message)
      },
    }),
    bounds,
  )
  return { actors, cell, handled }
}

test('messages of one sender are handled in the order in which they were sent, one at a time', async () => {
  const actors = new Actors()
  const events: string[] = []
  const cell = await actors.started<string>('server', () => ({
    receive: async (message) => {
      events.push(`begin ${message}`)
      await settled()
      events.push(`end ${message}`)
    },
  }))
  cell.tell('a')
  cell.tell('b')
  await expect.poll(() => events).toEqual(['begin a', 'end a', 'begin b', 'end b'])
})

test('control lane first: a DOWN is handled before messages that came earlier', async () => {
  const actors = new Actors()
  const events: string[] = []
  const gate = Promise.withResolvers<void>()
  const target = await actors.started('target', idle)
  const cell = await actors.started<Step>('server', (self) => ({
    receive: (step) => step(self),
    onSignal: (signal: Signal) => void events.push(signal.signal),
  }))
  cell.tell((self) => void self.watch(target))
  cell.tell(() => gate.promise)
  cell.tell(() => void events.push('message'))
  await settled()
  target.kill()
  gate.resolve()
  await settled()
  expect(events).toEqual(['DOWN', 'message'])
})

test('a full mailbox refuses, and says so to the sender', async () => {
  const { cell } = await recorder({ capacity: 2 })
  expect(['a', 'b', 'c'].map((message) => cell.tell(message))).toEqual(['accepted', 'accepted', 'full'])
  expect(cell.inspect().mailbox).toMatchObject({ depth: 2, highWater: 2, refused: 1 })
})

test('the bound holds before the first start, while restarting, and while it backs off', async () => {
  const { cell, handled } = await recorder({ capacity: 2 })
  cell.tell('bad')
  await cell.exited
  expect(['a', 'b', 'c'].map((message) => cell.tell(message))).toEqual(['accepted', 'accepted', 'full'])
  await cell.start()
  await settled()
  expect(handled).toEqual(['a', 'b'])
})

test('messages behind the one that fails are kept across the restart', async () => {
  const { cell, handled } = await recorder()
  for (const message of ['a', 'bad', 'b']) cell.tell(message)
  await cell.exited
  await cell.start()
  await settled()
  expect(handled).toEqual(['a', 'b'])
})

test('messages to a process that is not there, those that wait for it too, are dead letters', async () => {
  const buried: string[] = []
  const system = testSystem()
  const cell = new ActorCell<string>(system, '/test/server', 10, idle, (message) => buried.push(message))
  cell.tell('waits')
  cell.close()
  expect(cell.tell('late')).toBe('dead')
  expect(buried).toEqual(['waits', 'late'])
  expect(system.deadLetters.inspect().count).toBe(2)
})

test('an actor with much to do lets the event loop turn after a number of messages', async () => {
  const { cell, handled } = await recorder({ capacity: 1_000 })
  for (let i = 0; i < 1_000; i++) cell.tell('a')
  let atFirstTurn = 0
  setImmediate(() => {
    atFirstTurn = handled.length
  })
  await expect.poll(() => handled.length).toBe(1_000)
  expect(atFirstTurn).toBe(testSystem().messagesPerTurn)
})

/** Akka's StashBuffer, Elixir's and gen_statem's `postpone`. */

/** Stashes what it gets until it is told to go on; fails at `bad`. */
async function postponing(bounds?: { capacity?: number; stash?: number }) {
  const actors = new Actors()
  const handled: string[] = []
  const cell = await actors.started<string>(
    'server',
    (self) => {
      let isReady = false
      return {
        receive: (message) => {
          if (message === 'bad') throw new Error('bad message')
          if (message === 'ready') {
            isReady = true
            self.unstashAll()
          } else if (isReady) handled.push(message)
          else self.stash(message)
        },
      }
    },
    bounds,
  )
  return { actors, cell, handled }
}

test('stashed messages come before those in the mailbox, in their order', async () => {
  const { cell, handled } = await postponing()
  for (const message of ['a', 'b', 'ready', 'c']) cell.tell(message)
  await settled()
  expect(handled).toEqual(['a', 'b', 'c'])
})

test('what is unstashed again comes before what was not reached yet', async () => {
  const handled: string[] = []
  let pass = 0
  const cell = await new Actors().started<string>('server', (self) => ({
    receive: (message) => {
      if (pass === 0 && message !== 'ready') self.stash(message)
      else if (message === 'ready' || pass === 1) {
        pass++
        if (pass === 2) self.stash(message)
        self.unstashAll()
      } else handled.push(message)
    },
  }))
  for (const message of ['a', 'b', 'ready', 'c']) cell.tell(message)
  await settled()
  expect(handled).toEqual(['a', 'b', 'c'])
})

test('a stash has a bound of its own: beyond it the actor crashes, with a message that names path and bound', async () => {
  const { cell } = await postponing({ stash: 2 })
  for (const message of ['a', 'b', 'c']) cell.tell(message)
  expect(await cell.exited).toMatchObject({
    error: { message: expect.stringMatching(/stash of \/test\/server is full, it holds 2 messages/) },
  })
})

test.each(['crash', 'kill', 'stop'] as const)(
  'an incarnation that ends leaves its stash at the front of the mailbox: %s',
  async (how) => {
    const { cell, handled } = await postponing()
    for (const message of ['a', 'b']) cell.tell(message)
    await settled()
    if (how === 'crash') cell.tell('bad')
    else cell[how]()
    await cell.exited
    cell.tell('c')
    cell.tell('ready')
    expect(cell.inspect().mailbox).toMatchObject({ depth: 4, stashed: 0 })
    await cell.start()
    await settled()
    expect(handled).toEqual(['a', 'b', 'c'])
  },
)

test('what comes back from the stash may stand above the bound: nothing is lost, and nothing new is taken', async () => {
  const { cell } = await postponing({ capacity: 2, stash: 2 })
  for (const message of ['a', 'b']) cell.tell(message)
  await settled()
  for (const message of ['c', 'd']) cell.tell(message)
  cell.kill()
  expect(cell.inspect().mailbox).toMatchObject({ depth: 4, capacity: 2, stashed: 0 })
  expect(cell.tell('e')).toBe('full')
})

test('what comes back from the stash counts against the bound', async () => {
  const { cell } = await postponing({ capacity: 2, stash: 2 })
  for (const message of ['a', 'b']) cell.tell(message)
  await settled()
  cell.kill()
  expect(cell.tell('c')).toBe('full')
})

test('what is stashed when an actor is given up is a dead letter', async () => {
  const { actors, cell } = await postponing()
  cell.tell('a')
  await settled()
  cell.close()
  expect(actors.counts.count).toBe(1)
})

test('a capacity that is none is refused, with its value', () => {
  expect(() => new ActorCell(testSystem(), '/test/server', 0, puppet)).toThrow('mailbox capacity 0 must be')
  expect(() => new ActorCell(testSystem(), '/test/server', 1, puppet, undefined, -1)).toThrow(
    'stash capacity -1 must be',
  )
})

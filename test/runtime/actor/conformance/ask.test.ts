import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { ActorContext, ActorRef, Reply } from '../../../../runtime/actor/actor.ts'
import type { ActorCell } from '../../../../runtime/actor/actor-cell.ts'
import { Actors, idle, puppet, type Step, settled } from './fixture.ts'

/** gen_server:call/3. */

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'], now: 0 })
})
afterEach(() => {
  vi.useRealTimers()
})

type Question = (reply: Reply<string>) => Step

/** What `asker` is told when it asks: the answer, or the code of the error. */
function askFrom(asker: ActorRef<Step>, target: ActorRef<Step>, build: Question, timeoutMs = 1_000) {
  const told = Promise.withResolvers<unknown>()
  asker.tell((self) => self.ask(target, build, timeoutMs).then(told.resolve, told.resolve))
  return told.promise
}

/** Three actors that do what their messages say. */
async function three(): Promise<[ActorCell<Step>, ActorCell<Step>, ActorCell<Step>]> {
  const actors = new Actors()
  const started = (name: string): Promise<ActorCell<Step>> => actors.started<Step>(name, puppet)
  return [await started('a'), await started('b'), await started('c')]
}

const never: Question = () => () => {}
const busyForEver: Question = () => () => new Promise(() => {})

test('a call returns the reply', async () => {
  const cell = await new Actors().started<Step>('server', puppet)
  expect(await cell.ask((reply: Reply<string>) => () => reply.answer('yes'), 1_000)).toBe('yes')
})

test('a call that fails on purpose rejects with that error', async () => {
  const cell = await new Actors().started<Step>('server', puppet)
  const asked = cell.ask((reply: Reply<string>) => () => reply.fail(new Error('no')), 1_000)
  await expect(asked).rejects.toThrow('no')
})

test('a call times out when no reply comes within its time', async () => {
  const cell = await new Actors().started<Step>('server', puppet)
  const asked = cell.ask(never, 1_000).catch((error) => error)
  vi.advanceTimersByTime(1_000)
  expect(await asked).toMatchObject({
    code: 'timeout',
    message: '/test/server did not answer within 1000 ms',
  })
  expect(vi.getTimerCount()).toBe(0)
})

test.each([Number.POSITIVE_INFINITY, Number.NaN, -1])(
  'a time that is none is refused: %s',
  async (timeoutMs) => {
    const cell = await new Actors().started<Step>('server', puppet)
    await expect(cell.ask(never, timeoutMs)).rejects.toThrow(`timeoutMs ${timeoutMs} must be`)
  },
)

test('a call without time asks nobody', async () => {
  const cell = await new Actors().started<Step>('server', puppet)
  await expect(cell.ask(never, 0)).rejects.toMatchObject({ code: 'timeout' })
  expect(cell.inspect().mailbox.depth).toBe(0)
})

test('a reply that comes after the timeout is dropped and counted, as is a second one', async () => {
  const actors = new Actors()
  const cell = await actors.started<Step>('server', puppet)
  const replies: Reply<string>[] = []
  const ask = () => cell.ask((reply: Reply<string>) => () => void replies.push(reply), 1_000)
  const late = ask().catch((error) => error)
  await settled()
  vi.advanceTimersByTime(1_000)
  replies[0]?.answer('late')
  replies[0]?.fail(new Error('late'))
  expect(await late).toMatchObject({ code: 'timeout' })
  expect(actors.counts.lateAnswers).toBe(2)
  const twice = ask()
  await settled()
  replies[1]?.answer('first')
  replies[1]?.answer('second')
  expect(await twice).toBe('first')
  expect(actors.counts.lateAnswers).toBe(3)
})

test('a call fails at once with noproc when the server is not running', async () => {
  const cell = new Actors().cell<Step>('server', puppet)
  await expect(cell.ask(never, 60_000)).rejects.toMatchObject({ code: 'dead' })
  expect(cell.inspect().mailbox.depth).toBe(0)
})

test.each(['kill', 'stop', 'crash'] as const)(
  'a call fails at once when the server ends: %s',
  async (how) => {
    const cell = await new Actors().started<Step>('server', puppet)
    const asked = cell.ask(never, 60_000).catch((error) => error)
    await settled()
    if (how === 'crash') cell.crash('bad')
    else cell[how]()
    expect(await asked).toMatchObject({ code: 'dead', message: '/test/server ended before it answered' })
    expect(vi.getTimerCount()).toBe(0)
  },
)

test('a call is refused at once when the mailbox is full', async () => {
  const cell = await new Actors().started<Step>('server', puppet, { capacity: 1 })
  cell.tell(() => {})
  await expect(cell.ask(never, 60_000)).rejects.toMatchObject({ code: 'full' })
})

test('a request ends with the server it was sent to: its next incarnation does not handle it', async () => {
  const cell = await new Actors().started<Step>('server', puppet)
  const handled: string[] = []
  cell.tell(() => new Promise(() => {}))
  const asked = cell.ask(() => () => void handled.push('request'), 60_000).catch((error) => error)
  cell.tell(() => void handled.push('message'))
  await settled()
  cell.kill()
  expect(await asked).toMatchObject({ code: 'dead' })
  await cell.start()
  await settled()
  expect(handled).toEqual(['message'])
})

test('a request that cannot be built fails the call', async () => {
  const cell = await new Actors().started<Step>('server', puppet)
  const broken = (): Step => {
    throw new Error('cannot be built')
  }
  await expect(cell.ask(broken, 1_000)).rejects.toThrow('cannot be built')
  expect(vi.getTimerCount()).toBe(0)
})

test('a reply knows its deadline', async () => {
  const cell = await new Actors().started<Step>('server', puppet)
  vi.setSystemTime(5_000)
  const asked = cell.ask((reply: Reply<number>) => () => reply.answer(reply.deadlineMs), 1_000)
  expect(await asked).toBe(6_000)
})

test('a call made while answering a call is cut to the deadline of that one', async () => {
  const [front, middle, back] = await three()
  const deadlines: number[] = []
  const answered = askFrom(
    front,
    middle,
    (reply) => async (self) => {
      await settled()
      vi.setSystemTime(300)
      const answer = await self.ask<Step, string>(
        back,
        (inner) => () => {
          deadlines.push(reply.deadlineMs, inner.deadlineMs)
          inner.answer('from the back')
        },
        60_000,
      )
      reply.answer(answer)
    },
    500,
  )
  expect(await answered).toBe('from the back')
  expect(deadlines).toEqual([500, 500])
})

test('a call made when the deadline of the one being answered is over asks nobody', async () => {
  const [middle, back] = await three()
  const inner = Promise.withResolvers<unknown>()
  const asked = middle
    .ask(
      () => async (self) => {
        vi.advanceTimersByTime(500)
        await self.ask(back, never, 60_000).catch(inner.resolve)
      },
      500,
    )
    .catch((error) => error)
  expect(await inner.promise).toMatchObject({
    code: 'timeout',
    message: expect.stringContaining('/test/b'),
  })
  expect(await asked).toMatchObject({ code: 'timeout' })
  expect(back.inspect().handled).toBe(0)
})

test('a message that is no question has no deadline, whatever was asked before it', async () => {
  const [middle, back] = await three()
  const asked = middle.ask(never, 500).catch((error) => error)
  await settled()
  const deadline = Promise.withResolvers<number>()
  middle.tell(async (self) => {
    await self.ask<Step, void>(
      back,
      (reply) => () => {
        deadline.resolve(reply.deadlineMs)
        reply.answer()
      },
      60_000,
    )
  })
  expect(await deadline.promise).toBe(60_000)
  vi.advanceTimersByTime(500)
  await asked
})

test('a process attempted to call itself', async () => {
  const cell = await new Actors().started<Step>('server', puppet)
  expect(await askFrom(cell, cell, never)).toMatchObject({
    code: 'cycle',
    message: expect.stringContaining('/test/server → /test/server'),
  })
})

test('a call cycle is refused at once, with its path', async () => {
  const [a, b, c] = await three()
  const relay = (next: ActorRef<Step>, question: Question): Question => {
    return (reply) => async (self) => {
      await self.ask(next, question, 60_000).then(
        (answer) => reply.answer(answer),
        (error) => reply.fail(error),
      )
    }
  }
  expect(await askFrom(a, b, relay(c, relay(a, never)), 60_000)).toMatchObject({
    code: 'cycle',
    message: '/test/a waits for who asks it, and would for ever: /test/c → /test/a → /test/b → /test/c',
  })
  expect(a.inspect().mailbox.depth).toBe(0)
})

test('a call cycle is found whichever of the two asks last, and by a fenced ref too', async () => {
  const [a, b] = await three()
  const gate = Promise.withResolvers<void>()
  const asking = (target: ActorRef<Step>, told: (result: unknown) => void): Step => {
    return async (self) => {
      await gate.promise
      await self.to(target).ask(busyForEver, 60_000).then(told, told)
    }
  }
  const told = Promise.withResolvers<unknown>()
  a.tell(asking(b, told.resolve))
  b.tell(asking(a, told.resolve))
  await settled()
  gate.resolve()
  expect(await told.promise).toMatchObject({ code: 'cycle' })
})

const yes: Question = (reply) => () => reply.answer('yes')

/** Answers with what `target` answers. */
const relayed =
  (target: ActorRef<Step>): Question =>
  (reply) =>
  async (self) =>
    reply.answer(await self.ask(target, yes, 1_000))

test('actors that wait for the same one are no cycle', async () => {
  const [a, b, c] = await three()
  expect(await Promise.all([askFrom(a, c, yes), askFrom(b, c, yes)])).toEqual(['yes', 'yes'])
})

test('who has asked and returned from its handler waits for nobody: it can be asked meanwhile', async () => {
  const [a, b] = await three()
  const answer = Promise.withResolvers<string>()
  a.tell((self) => void self.ask(b, relayed(a), 1_000).then(answer.resolve, answer.reject))
  expect(await answer.promise).toBe('yes')
})

/** The context of an actor, to act through it outside of its handlers, as a timer does. */
async function contextOf(cell: ActorRef<Step>): Promise<ActorContext<Step>> {
  const context = Promise.withResolvers<ActorContext<Step>>()
  cell.tell((self) => context.resolve(self))
  return context.promise.finally(settled)
}

test('an ask of a timer waits for nobody: its actor can be asked meanwhile', async () => {
  const [a, b] = await three()
  expect(await (await contextOf(a)).ask(b, relayed(a), 1_000)).toBe('yes')
})

test('an ask of a timer is no cycle, for its actor can answer who waits for it', async () => {
  const [a, b] = await three()
  const owed: Reply<string>[] = []
  const answered = askFrom(b, a, (reply) => () => void owed.push(reply))
  const self = await contextOf(a)
  const asked = self.ask(b, yes, 1_000)
  owed[0]?.answer('first')
  expect(await answered).toBe('first')
  expect(await asked).toBe('yes')
})

test('an ask of a timer is not cut to the deadline of what was answered before', async () => {
  const [a, b] = await three()
  const self = await contextOf(a)
  const asked = a.ask(never, 500).catch((error) => error)
  await settled()
  const deadline = self.ask(b, (reply: Reply<number>) => () => reply.answer(reply.deadlineMs), 60_000)
  expect(await deadline).toBe(60_000)
  vi.advanceTimersByTime(500)
  expect(await asked).toMatchObject({ code: 'timeout' })
})

test('an actor that starts or ends takes no messages: who asks it then from what it waits for is refused', async () => {
  const actors = new Actors()
  const helper = await actors.started<Step>('helper', puppet)
  const askBack: Question = (reply) => async (self) => {
    await self.ask(cell as ActorRef<Step>, never, 60_000).catch((error) => reply.answer(error.code))
  }
  const codes: unknown[] = []
  const cell: ActorRef<unknown> & { start(): Promise<void>; stop(): void; exited: Promise<unknown> } =
    actors.cell('server', (self) => ({
      ...idle(),
      init: async () => void codes.push(await self.ask(helper, askBack, 60_000)),
      terminate: async () => void codes.push(await self.ask(helper, askBack, 60_000)),
    }))
  await cell.start()
  cell.stop()
  await cell.exited
  expect(codes).toEqual(['cycle', 'cycle'])
})

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { ActorContext } from '../../../../runtime/actor/actor.ts'
import { actorChild } from '../../../../runtime/supervision/actor-child.ts'
import { Supervisor } from '../../../../runtime/supervision/supervisor.ts'
import { supervisorChild } from '../../../../runtime/supervision/supervisor-child.ts'
import {
  BACKOFF,
  clockSystem,
  DELAY_MS,
  FakeChild,
  outcomeOf,
  pass,
  settle,
  statuses,
} from '../fake-child.ts'
import { supervise, trio } from '../fake-supervisors.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('a start is asynchronous, and can hang without blocking its supervisor', () => {
  test('stop: what comes up within its shutdown time is stopped, in reverse with the others', async () => {
    const { supervisor, events, b } = trio()
    b.hold()
    const failed = expect(supervisor.start()).rejects.toThrow('/sup was ended while it started')
    await settle()
    supervisor.stop()
    await pass(999)
    expect(events).toEqual(['start a', 'b hangs'])
    b.release()
    expect(await outcomeOf(supervisor.exited)).toEqual({ kind: 'shutdown' })
    expect(events.slice(2)).toEqual(['start b', 'stop b', 'stop a'])
    await failed
    expect(statuses(supervisor).c).toBe('ended')
  })

  test('stop: what has not come up by then is given up, and killed when it comes up all the same', async () => {
    const { supervisor, events, b } = trio()
    b.hold()
    const failed = expect(supervisor.start()).rejects.toThrow('/sup was ended while it started')
    await settle()
    supervisor.stop()
    await pass(1_000)
    expect(await outcomeOf(supervisor.exited)).toEqual({ kind: 'shutdown' })
    await failed
    b.release()
    await settle()
    expect(events).toEqual(['start a', 'b hangs', 'stop a', 'start b', 'kill b'])
  })

  test('kill: the supervisor has ended at once, and what comes up later is killed', async () => {
    const { supervisor, events, b } = trio()
    b.hold()
    const failed = expect(supervisor.start()).rejects.toThrow('/sup was ended while it started')
    await settle()
    supervisor.kill()
    expect(await outcomeOf(supervisor.exited)).toEqual({ kind: 'killed' })
    await failed
    b.release()
    await settle()
    expect(events).toEqual(['start a', 'b hangs', 'kill a', 'start b', 'kill b'])
  })

  test.each(['one_for_one', 'one_for_all'] as const)(
    '%s: a restart that hangs does not keep the supervisor from its shutdown',
    async (strategy) => {
      const { supervisor, b } = trio(strategy)
      await supervisor.start()
      b.hold()
      b.die()
      await pass(DELAY_MS)
      supervisor.stop()
      await pass(1_000)
      expect(await outcomeOf(supervisor.exited)).toEqual({ kind: 'shutdown' })
      b.release()
      await settle()
      expect(b.isRunning).toBe(false)
    },
  )

  test.each(['one_for_one', 'one_for_all'] as const)(
    '%s: terminate_child ends a start that hangs',
    async (strategy) => {
      const { supervisor, b, c } = trio(strategy)
      await supervisor.start()
      b.hold()
      b.die()
      await pass(DELAY_MS)
      const terminated = supervisor.terminateChild('b')
      await pass(1_000)
      expect(await outcomeOf(terminated)).toBeUndefined()
      expect([statuses(supervisor).b, c.isRunning]).toEqual(['ended', true])
      b.release()
      await settle()
      expect(b.isRunning).toBe(false)
      await supervisor.restartChild('b')
      expect(b.isRunning).toBe(true)
    },
  )

  test('terminate_child of a start that then fails: that counts as no restart', async () => {
    const { supervisor, b } = trio('one_for_all')
    await supervisor.start()
    b.hold()
    b.failStarts = 1
    b.die()
    await pass(DELAY_MS)
    const terminated = supervisor.terminateChild('b')
    await settle()
    b.release()
    await terminated
    expect(statuses(supervisor)).toEqual({ a: 'running', b: 'ended', c: 'running' })
    expect(supervisor.inspect()).toMatchObject({ budget: { used: 1 } })
  })

  test('stop: a group restart under way starts no further child', async () => {
    const { supervisor, events, b } = trio('rest_for_one')
    await supervisor.start()
    b.hold()
    b.die()
    await pass(DELAY_MS - 1)
    const d = new FakeChild('d', events)
    d.isDeaf = true
    await supervisor.startChild(d.spec)
    await pass(1)
    events.length = 0
    supervisor.stop()
    await settle()
    b.release()
    await pass(1_000)
    await supervisor.exited
    expect(events).toEqual(['stop d', 'start b', 'kill d', 'stop b', 'stop a'])
  })

  test('brutal_kill: a start under way is given up at once', async () => {
    const child = new FakeChild('x', [], { shutdown: 'brutal_kill' })
    const { supervisor } = supervise([child])
    child.hold()
    const failed = expect(supervisor.start()).rejects.toThrow('was ended')
    await settle()
    supervisor.stop()
    expect(await outcomeOf(supervisor.exited)).toEqual({ kind: 'shutdown' })
    await failed
  })

  describe('of a supervisor below', () => {
    const family = () => {
      const system = clockSystem()
      const events: string[] = []
      const [x, hanging, later] = ['x', 'hanging', 'later'].map((id) => new FakeChild(id, events)) as [
        FakeChild,
        FakeChild,
        FakeChild,
      ]
      hanging.hold()
      const inner = supervisorChild(system, {
        path: '/sup/inner',
        strategy: 'one_for_one',
        children: [x.spec, hanging.spec, later.spec],
      })
      const root = new Supervisor(system, { path: '/sup', strategy: 'one_for_one', children: [inner] })
      const failed = expect(root.start()).rejects.toThrow()
      return { root, events, hanging, failed }
    }

    test('a stop reaches it while it starts', async () => {
      const { root, events, failed } = family()
      await settle()
      root.stop()
      await pass(1_000)
      expect(await outcomeOf(root.exited)).toEqual({ kind: 'shutdown' })
      await failed
      expect(events).toEqual(['start x', 'hanging hangs', 'stop x'])
    })

    test('a kill kills what it has started so far, and what comes up later', async () => {
      const { root, events, hanging, failed } = family()
      await settle()
      root.kill()
      expect(events).toEqual(['start x', 'hanging hangs', 'kill x'])
      await failed
      hanging.release()
      await settle()
      expect(events.slice(3)).toEqual(['start hanging', 'kill hanging'])
    })
  })
})

describe('a handler of an actor cannot be interrupted', () => {
  const slowActor = async () => {
    const system = clockSystem()
    const gate = Promise.withResolvers<void>()
    const log: string[] = []
    let incarnation = 0
    const { ref, spec } = actorChild<string>(system, {
      path: '/sup/actor',
      mailbox: 10,
      shutdown: 100,
      create: () => {
        const me = ++incarnation
        return {
          receive: async (message) => {
            log.push(`${me}: ${message}`)
            if (message === 'slow') await gate.promise
          },
        }
      },
    })
    const supervisor = new Supervisor(system, {
      path: '/sup',
      strategy: 'one_for_one',
      children: [spec],
      backoff: BACKOFF,
    })
    await supervisor.start()
    ref.tell('slow')
    ref.tell('next')
    await settle()
    return { supervisor, ref, gate, log }
  }

  test('kill: the actor has ended although its handler goes on, and its next incarnation takes the messages', async () => {
    const { supervisor, gate, log } = await slowActor()
    supervisor.find('/sup/actor')?.kill()
    await pass(DELAY_MS)
    expect(log).toEqual(['1: slow', '2: next'])
    gate.resolve()
    await settle()
    expect(log).toEqual(['1: slow', '2: next'])
    expect(supervisor.inspect()).toMatchObject({ children: [{ incarnation: 2, state: 'running' }] })
  })

  test('stop: a handler that overruns the shutdown time is not waited for', async () => {
    const { supervisor, log } = await slowActor()
    supervisor.stop()
    await pass(99)
    expect(await outcomeOf(supervisor.exited)).toBe('pending')
    await pass(1)
    expect(await outcomeOf(supervisor.exited)).toEqual({ kind: 'shutdown' })
    expect(log).toEqual(['1: slow'])
  })

  test('init: given up after the shutdown time, the actor can be started again, and the old init starts nothing', async () => {
    const gates: PromiseWithResolvers<void>[] = []
    const contexts: ActorContext<string>[] = []
    const received: string[] = []
    const { ref, spec } = actorChild<string>(clockSystem(), {
      path: '/sup/actor',
      mailbox: 10,
      shutdown: 100,
      create: () => ({
        init: async (self) => {
          contexts.push(self)
          const gate = Promise.withResolvers<void>()
          gates.push(gate)
          await gate.promise
        },
        receive: (message) => void received.push(message),
      }),
    })
    const { supervisor } = supervise([])
    await supervisor.start()
    const refused = expect(supervisor.startChild(spec)).rejects.toThrow('it was ended while it started')
    await settle()
    const terminated = supervisor.terminateChild('actor')
    await pass(100)
    await Promise.all([refused, terminated])
    const again = supervisor.startChild(spec)
    await settle()
    gates[0]?.resolve()
    await settle()
    ref.tell('hello')
    await settle()
    expect([contexts.length, received]).toEqual([2, []])
    gates[1]?.resolve()
    await again
    await settle()
    expect(received).toEqual(['hello'])
  })
})

test('an actor can be made to suffer an exception, and nothing that only a thread can', async () => {
  const system = clockSystem()
  const { spec } = actorChild<string>(system, {
    path: '/sup/actor',
    mailbox: 1,
    create: () => ({ receive: () => {} }),
  })
  const supervisor = new Supervisor(system, {
    path: '/sup',
    strategy: 'one_for_one',
    children: [spec],
    backoff: BACKOFF,
  })
  await supervisor.start()
  const actor = supervisor.find('/sup/actor')
  for (const how of ['busy-loop', 'heap', 'exit'] as const) expect(actor?.crash?.(how)).toBe(false)
  expect(actor?.crash?.('exception')).toBe(true)
  await pass(DELAY_MS)
  expect(supervisor.inspect()).toMatchObject({
    children: [{ status: 'running', lastExit: { reason: 'error: crashed on purpose, for chaos' } }],
  })
})

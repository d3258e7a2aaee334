import { expect, test } from 'vitest'
import { type ExitReason, KILLED, NORMAL, SHUTDOWN } from '../../../runtime/actor/exit-reason.ts'
import type { ChildSpec, Restart } from '../../../runtime/supervision/child-spec.ts'
import { Supervisor, type SupervisorOptions } from '../../../runtime/supervision/supervisor.ts'
import { supervisorChild } from '../../../runtime/supervision/supervisor-child.ts'
import { testSystem } from '../../support/test-system.ts'
import { until } from '../../support/until.ts'

/** A child that does as it is told and writes down what happens to it. */
class Puppet {
  readonly spec: ChildSpec
  starts = 0
  closes = 0
  failStarts = 0
  #exit: ((reason: ExitReason) => void) | undefined

  constructor(id: string, events: string[], { restart = 'permanent' as Restart, deaf = false } = {}) {
    this.spec = {
      id,
      restart,
      shutdown: deaf ? 20 : 1_000,
      start: async () => {
        if (this.failStarts > 0) {
          this.failStarts--
          throw new Error(`${id} refuses`)
        }
        this.starts++
        events.push(`start ${id}`)
        const { promise: exited, resolve } = Promise.withResolvers<ExitReason>()
        this.#exit = resolve
        const end = (how: string, reason: ExitReason): void => {
          events.push(`${how} ${id}`)
          resolve(reason)
        }
        return { exited, stop: () => !deaf && end('stop', SHUTDOWN), kill: () => end('kill', KILLED) }
      },
      inspect: () => ({ type: 'actor' }),
      close: () => void this.closes++,
    }
  }

  die(reason: ExitReason = { kind: 'error', error: new Error('died') }): void {
    this.#exit?.(reason)
  }
}

const trio = (options: Partial<SupervisorOptions> = {}) => {
  const events: string[] = []
  const [a, b, c] = ['a', 'b', 'c'].map((id) => new Puppet(id, events)) as [Puppet, Puppet, Puppet]
  const supervisor = new Supervisor(testSystem(), {
    path: '/sup',
    strategy: 'one_for_one',
    children: [a.spec, b.spec, c.spec],
    backoff: { minMs: 1, maxMs: 1, resetMs: 30_000 },
    ...options,
  })
  return { supervisor, events, a, b, c }
}

test('children start in order and stop in reverse', async () => {
  const { supervisor, events } = trio()
  await supervisor.start()
  supervisor.stop()
  expect(await supervisor.exited).toEqual({ kind: 'shutdown' })
  expect(events).toEqual(['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a'])
})

test('a child that does not start fails the start, and those before it are stopped again', async () => {
  const { supervisor, events, c } = trio()
  c.failStarts = 1
  await expect(supervisor.start()).rejects.toThrow('/sup/c did not start: c refuses')
  expect(events).toEqual(['start a', 'start b', 'stop b', 'stop a'])
})

test.each([
  ['one_for_one', ['start b']],
  ['rest_for_one', ['stop c', 'start b', 'start c']],
  ['one_for_all', ['stop c', 'stop a', 'start a', 'start b', 'start c']],
] as const)('%s restarts what it says', async (strategy, expected) => {
  const { supervisor, events, b } = trio({ strategy })
  await supervisor.start()
  events.length = 0
  b.die()
  await until(() => events.length >= expected.length, 'the restart')
  expect(events).toEqual(expected)
})

test.each([
  ['permanent', NORMAL, 2],
  ['transient', NORMAL, 1],
  ['transient', KILLED, 2],
  ['temporary', KILLED, 1],
] as const)('a %s child that ended is restarted or not, by its reason', async (restart, reason, starts) => {
  const events: string[] = []
  const child = new Puppet('x', events, { restart })
  const other = new Puppet('y', events)
  const supervisor = new Supervisor(testSystem(), {
    path: '/sup',
    strategy: 'one_for_one',
    children: [child.spec, other.spec],
    backoff: { minMs: 1, maxMs: 1, resetMs: 30_000 },
  })
  await supervisor.start()
  child.die(reason)
  other.die()
  await until(() => other.starts === 2, 'the other child, which died later, is up again')
  await until(() => child.starts >= starts, 'the starts')
  expect(child.starts).toBe(starts)
})

test('more than intensity restarts within the period stop all children and end the supervisor', async () => {
  const { supervisor, events, a } = trio({ intensity: { intensity: 2, periodMs: 60_000 } })
  await supervisor.start()
  for (const starts of [2, 3]) {
    a.die()
    await until(() => a.starts === starts, 'a restart within the budget')
  }
  a.die()
  expect(await supervisor.exited).toEqual({ kind: 'shutdown' })
  expect(events.slice(-2)).toEqual(['stop c', 'stop b'])
})

test('restarts outside the period do not count', async () => {
  let nowMs = 0
  const events: string[] = []
  const child = new Puppet('x', events)
  const supervisor = new Supervisor(
    testSystem(() => nowMs),
    {
      path: '/sup',
      strategy: 'one_for_one',
      children: [child.spec],
      intensity: { intensity: 1, periodMs: 1_000 },
      backoff: { minMs: 1, maxMs: 1, resetMs: 30_000 },
    },
  )
  await supervisor.start()
  for (const starts of [2, 3, 4]) {
    nowMs += 1_000
    child.die()
    await until(() => child.starts === starts, 'a restart')
  }
})

test('a restart that fails counts and is tried again', async () => {
  const { supervisor, a } = trio({ intensity: { intensity: 3, periodMs: 60_000 } })
  await supervisor.start()
  a.failStarts = 2
  a.die()
  await until(() => a.starts === 2, 'the third try')
  expect(supervisor.inspect()).toMatchObject({ budget: { used: 3 } })
})

test('a child that overruns its shutdown time is killed', async () => {
  const events: string[] = []
  const deaf = new Puppet('deaf', events, { deaf: true })
  const supervisor = new Supervisor(testSystem(), {
    path: '/sup',
    strategy: 'one_for_one',
    children: [deaf.spec],
  })
  await supervisor.start()
  supervisor.stop()
  await supervisor.exited
  expect(events).toEqual(['start deaf', 'kill deaf'])
})

test('a supervisor that gives up is restarted by its parent with a fresh budget', async () => {
  const events: string[] = []
  const child = new Puppet('x', events)
  const system = testSystem()
  const backoff = { minMs: 1, maxMs: 1, resetMs: 30_000 }
  const inner = supervisorChild(system, {
    path: '/sup/inner',
    strategy: 'one_for_one',
    children: [child.spec],
    intensity: { intensity: 1, periodMs: 60_000 },
    backoff,
  })
  const outer = new Supervisor(system, { path: '/sup', strategy: 'one_for_one', children: [inner], backoff })
  await outer.start()
  for (const starts of [2, 3, 4]) {
    child.die()
    await until(() => child.starts === starts, 'a restart')
  }
  expect(outer.inspect()).toMatchObject({
    budget: { used: 1 },
    children: [{ path: '/sup/inner', restarts: 1 }],
  })
})

test('a child id given twice is refused by name', () => {
  const { a } = trio()
  const options: SupervisorOptions = { path: '/sup', strategy: 'one_for_one', children: [a.spec, a.spec] }
  expect(() => new Supervisor(testSystem(), options)).toThrow('/sup: child id "a" is given twice')
})

test('what a group had in its mailboxes does not reach its next generation; a child restarted alone keeps it', async () => {
  const all = trio({ strategy: 'one_for_all' })
  await all.supervisor.start()
  all.b.die()
  await until(() => all.c.starts === 2, 'the restart of the group')
  expect([all.a.closes, all.b.closes, all.c.closes]).toEqual([1, 1, 1])
  const one = trio()
  await one.supervisor.start()
  one.b.die()
  await until(() => one.b.starts === 2, 'the restart')
  expect(one.b.closes).toBe(0)
})

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { NORMAL } from '../../../../runtime/actor/exit-reason.ts'
import { DELAY_MS, FakeChild, outcomeOf, pass, settle, statuses } from '../fake-child.ts'
import { supervise, trio } from '../fake-supervisors.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('one_for_one: if one child process terminates and is to be restarted, only that child process is affected', async () => {
  const { supervisor, events, b } = trio('one_for_one')
  await supervisor.start()
  events.length = 0
  b.die()
  await pass(DELAY_MS)
  expect(events).toEqual(['b died', 'start b'])
})

test('one_for_all: all other child processes are terminated, in reverse, and then all are restarted, in order', async () => {
  const { supervisor, events, b } = trio('one_for_all')
  await supervisor.start()
  events.length = 0
  b.die()
  await pass(DELAY_MS)
  expect(events).toEqual(['b died', 'stop c', 'stop a', 'start a', 'start b', 'start c'])
})

test('rest_for_one: those after the terminated child in start order are terminated, then it and they are restarted', async () => {
  const { supervisor, events, b } = trio('rest_for_one')
  await supervisor.start()
  events.length = 0
  b.die()
  await pass(DELAY_MS)
  expect(events).toEqual(['b died', 'stop c', 'start b', 'start c'])
})

describe('a child that its group takes along', () => {
  test('has its own shutdown time, and is killed when that is over', async () => {
    const { supervisor, events, a, b } = trio('one_for_all')
    a.isDeaf = true
    await supervisor.start()
    events.length = 0
    b.die()
    await pass(1_000 + DELAY_MS)
    expect(events).toEqual(['b died', 'stop c', 'stop a', 'kill a', 'start a', 'start b', 'start c'])
  })

  test.each(['one_for_all', 'rest_for_one'] as const)(
    '%s: temporary, it is not started again, and its specification is forgotten',
    async (strategy) => {
      const events: string[] = []
      const a = new FakeChild('a', events)
      const t = new FakeChild('t', events, { restart: 'temporary' })
      const { supervisor } = supervise([a, t], { strategy })
      await supervisor.start()
      a.die()
      await pass(DELAY_MS)
      expect(events).toEqual(['start a', 'start t', 'a died', 'stop t', 'start a'])
      expect(supervisor.whichChildren().map(({ id }) => id)).toEqual(['a'])
      expect(t.closes).toBe(1)
    },
  )

  test('transient, it is started again although it ended by shutdown', async () => {
    const a = new FakeChild('a')
    const b = new FakeChild('b', [], { restart: 'transient' })
    const { supervisor } = supervise([a, b], { strategy: 'one_for_all' })
    await supervisor.start()
    a.die()
    await pass(DELAY_MS)
    expect([b.isRunning, b.starts]).toEqual([true, 2])
  })

  test('having ended or been terminated before, it can later be restarted by the supervisor', async () => {
    const [a, b, c] = [
      new FakeChild('a'),
      new FakeChild('b', [], { restart: 'transient' }),
      new FakeChild('c'),
    ] as const
    const { supervisor } = supervise([a, b, c], { strategy: 'one_for_all' })
    await supervisor.start()
    b.die(NORMAL)
    await supervisor.terminateChild('c')
    await pass(DELAY_MS)
    expect([b.isRunning, c.isRunning]).toEqual([false, false])
    a.die()
    await pass(DELAY_MS)
    expect([b.isRunning, c.isRunning]).toEqual([true, true])
  })

  test('counts no restart of its own: a group restart is one restart', async () => {
    const { supervisor, b } = trio('one_for_all')
    await supervisor.start()
    b.die()
    await pass(DELAY_MS)
    expect(supervisor.inspect()).toMatchObject({
      budget: { used: 1 },
      children: [{ restarts: 0 }, { restarts: 1 }, { restarts: 0 }],
    })
  })
})

describe('a sibling that fails during a group restart', () => {
  test('died in the same moment: it is restarted with the group, once', async () => {
    const { supervisor, events, a, b } = trio('one_for_all')
    await supervisor.start()
    events.length = 0
    a.die()
    b.die()
    await pass(DELAY_MS)
    expect(events).toEqual(['a died', 'b died', 'stop c', 'start a', 'start b', 'start c'])
    expect(supervisor.inspect()).toMatchObject({ budget: { used: 1 } })
  })

  test('dies while it is told to stop: it is no further failure', async () => {
    const { supervisor, a, b, c } = trio('one_for_all')
    c.isDeaf = true
    await supervisor.start()
    a.die()
    await settle()
    c.die()
    await pass(DELAY_MS)
    expect([a.starts, b.starts, c.starts]).toEqual([2, 2, 2])
    expect(supervisor.inspect()).toMatchObject({ budget: { used: 1 } })
  })

  test('does not start: the restart is tried again from it, under rest_for_one with those before it running on', async () => {
    const { supervisor, events, a, b } = trio('rest_for_one')
    await supervisor.start()
    events.length = 0
    b.failStarts = 1
    a.die()
    await pass(DELAY_MS)
    expect(statuses(supervisor)).toEqual({ a: 'running', b: 'restarting', c: 'restarting' })
    await pass(DELAY_MS)
    expect(events).toEqual(['a died', 'stop c', 'stop b', 'start a', 'b fails', 'start b', 'start c'])
    expect(supervisor.inspect()).toMatchObject({ budget: { used: 2 } })
  })

  test('does not start: under one_for_all those that were up already are terminated again', async () => {
    const { supervisor, events, a, b } = trio('one_for_all')
    await supervisor.start()
    events.length = 0
    b.failStarts = 1
    a.die()
    await pass(2 * DELAY_MS)
    expect(events.slice(3)).toEqual(['start a', 'b fails', 'stop a', 'start a', 'start b', 'start c'])
  })

  test('dies while the others are being started: the group is completed, then restarted again', async () => {
    const { supervisor, events, a, b, c } = trio('one_for_all')
    await supervisor.start()
    c.hold()
    b.die()
    await pass(DELAY_MS)
    events.length = 0
    a.die()
    await settle()
    c.release()
    await pass(DELAY_MS)
    expect(events).toEqual(['a died', 'start c', 'stop c', 'stop b', 'start a', 'start b', 'start c'])
  })

  test('before the group, under rest_for_one: both restarts become one, which waits as long as the longer', async () => {
    const { supervisor, events, a, c } = trio('rest_for_one', {
      backoff: { minMs: 10, maxMs: 80, resetMs: 60_000 },
    })
    await supervisor.start()
    for (const delayMs of [10, 20]) {
      c.die()
      await pass(delayMs)
    }
    events.length = 0
    c.die()
    await settle()
    a.die()
    await pass(39)
    expect(events).toEqual(['c died', 'a died', 'stop b'])
    await pass(1)
    expect(events.slice(3)).toEqual(['start a', 'start b', 'start c'])
  })

  test('restarted by hand while its group waits, it takes along what it would: the rest of the group is not forgotten', async () => {
    const { supervisor, a, b, c } = trio('rest_for_one')
    await supervisor.start()
    a.die()
    await settle()
    await supervisor.terminateChild('b')
    await supervisor.restartChild('b')
    await pass(DELAY_MS - 1)
    b.die()
    await pass(1)
    expect([a, b, c].map(({ isRunning }) => isRunning)).toEqual([false, false, false])
    await pass(DELAY_MS - 1)
    expect([a.starts, b.starts, c.starts]).toEqual([2, 3, 2])
  })

  test('started by hand while its group waits, it is terminated and restarted when the restart fails', async () => {
    const { supervisor, events, b } = trio('rest_for_one')
    await supervisor.start()
    b.failStarts = 1
    b.die()
    await settle()
    await supervisor.startChild(new FakeChild('d', events).spec)
    events.length = 0
    await pass(2 * DELAY_MS)
    expect(events).toEqual(['b fails', 'stop d', 'start b', 'start c', 'start d'])
  })
})

test('what a group had in its mailboxes does not reach its next generation; a child restarted alone keeps it', async () => {
  const all = trio('one_for_all')
  await all.supervisor.start()
  all.b.die()
  await pass(DELAY_MS)
  expect([all.a.closes, all.b.closes, all.c.closes]).toEqual([1, 1, 1])
  const one = trio('one_for_one')
  await one.supervisor.start()
  one.b.die()
  await pass(DELAY_MS)
  expect(one.b.closes).toBe(0)
})

test('under one_for_one a start that hangs holds up the restart of no other child', async () => {
  const { supervisor, a, b } = trio('one_for_one')
  await supervisor.start()
  a.hold()
  a.die()
  await pass(DELAY_MS)
  b.die()
  await pass(DELAY_MS)
  expect([statuses(supervisor).a, b.starts]).toEqual(['starting', 2])
  expect(await outcomeOf(supervisor.terminateChild('c'))).toBeUndefined()
})

test('rest_for_one: one that waits for its restart and is taken along by an earlier one starts with that group, in its order', async () => {
  const { supervisor, events, a, b, c } = trio('rest_for_one')
  await supervisor.start()
  events.length = 0
  b.isDeaf = true
  c.die()
  a.die()
  // The back-off of c is over while b is being stopped.
  await pass(DELAY_MS)
  await pass(1_000)
  await pass(DELAY_MS)
  await pass(DELAY_MS)
  expect(events.filter((event) => event.startsWith('start'))).toEqual(['start a', 'start b', 'start c'])
})

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
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

describe('maximum restart intensity', () => {
  test('if more than intensity restarts occur within period, the supervisor terminates all children and then itself, by shutdown', async () => {
    const { supervisor, events, a } = trio('one_for_one', { intensity: { intensity: 2, periodMs: 60_000 } })
    await supervisor.start()
    for (const starts of [2, 3]) {
      a.die()
      await pass(DELAY_MS)
      expect(a.starts).toBe(starts)
    }
    events.length = 0
    a.die()
    expect(await supervisor.exited).toEqual({ kind: 'shutdown' })
    expect(events).toEqual(['a died', 'stop c', 'stop b'])
  })

  test('intensity 0: the first restart is one too many', async () => {
    const { supervisor, a } = trio('one_for_one', { intensity: { intensity: 0, periodMs: 1 } })
    await supervisor.start()
    a.die()
    expect(await supervisor.exited).toEqual({ kind: 'shutdown' })
  })

  test('the period slides: a restart as old as the period counts, an older one does not', async () => {
    const intensity = { intensity: 1, periodMs: 1_000 }
    const { supervisor, a } = trio('one_for_one', { intensity })
    await supervisor.start()
    for (const starts of [2, 3, 4]) {
      a.die()
      await pass(1_001)
      expect(a.starts).toBe(starts)
    }
    const other = trio('one_for_one', { intensity })
    await other.supervisor.start()
    other.a.die()
    await pass(1_000)
    other.a.die()
    expect(await other.supervisor.exited).toEqual({ kind: 'shutdown' })
  })

  test('the restarts of all children count together', async () => {
    const { supervisor, a, b, c } = trio('one_for_one', { intensity: { intensity: 2, periodMs: 60_000 } })
    await supervisor.start()
    for (const child of [a, b, c]) child.die()
    expect(await supervisor.exited).toEqual({ kind: 'shutdown' })
  })

  test('children that end and are not restarted do not count', async () => {
    const children = ['a', 'b', 'c'].map((id) => new FakeChild(id, [], { restart: 'temporary' }))
    const { supervisor } = supervise(children, { intensity: { intensity: 0, periodMs: 60_000 } })
    await supervisor.start()
    for (const child of children) child.die()
    expect(await outcomeOf(supervisor.exited)).toBe('pending')
  })

  test('a restart that fails counts and is tried again, until it is one too many', async () => {
    const { supervisor, events, a } = trio('one_for_one', { intensity: { intensity: 3, periodMs: 60_000 } })
    await supervisor.start()
    a.failStarts = 2
    a.die()
    await pass(3 * DELAY_MS)
    expect(a.isRunning).toBe(true)
    expect(supervisor.inspect()).toMatchObject({ budget: { used: 3 } })
    events.length = 0
    a.die()
    await supervisor.exited
    expect(events).toEqual(['a died', 'stop c', 'stop b'])
  })

  test('where only failed starts count, children that were up may end as often as they like', async () => {
    const { supervisor, a } = trio('one_for_one', {
      intensity: { intensity: 1, periodMs: 60_000, failedStartsOnly: true },
    })
    await supervisor.start()
    for (const starts of [2, 3, 4, 5]) {
      a.die()
      await pass(DELAY_MS)
      expect(a.starts).toBe(starts)
    }
    expect(supervisor.inspect()).toMatchObject({ budget: { used: 0 } })
    a.failStarts = 2
    a.die()
    await pass(2 * DELAY_MS)
    expect(await supervisor.exited).toEqual({ kind: 'shutdown' })
  })

  test('spent inside a group restart, those that were up already are stopped, those that were not are left', async () => {
    const { supervisor, events, a, b } = trio('one_for_all', {
      intensity: { intensity: 1, periodMs: 60_000 },
    })
    await supervisor.start()
    b.failStarts = 1
    a.die()
    await settle()
    events.length = 0
    await pass(DELAY_MS)
    expect(await supervisor.exited).toEqual({ kind: 'shutdown' })
    expect(events).toEqual(['start a', 'b fails', 'stop a'])
  })
})

describe('escalation', () => {
  const family = (restart: 'permanent' | 'transient' | 'temporary' = 'permanent') => {
    const x = new FakeChild('x')
    const system = clockSystem()
    const intensity = { intensity: 1, periodMs: 60_000 }
    const inner = supervisorChild(system, {
      path: '/sup/inner',
      strategy: 'one_for_one',
      children: [x.spec],
      intensity,
      backoff: BACKOFF,
      restart,
    })
    const root = new Supervisor(system, {
      path: '/sup',
      strategy: 'one_for_one',
      children: [inner],
      intensity,
      backoff: BACKOFF,
    })
    return { x, root }
  }

  test('when the supervisor terminates, the next higher level supervisor restarts it, with a fresh budget', async () => {
    const { x, root } = family()
    await root.start()
    for (const starts of [2, 3, 4]) {
      x.die()
      await pass(DELAY_MS)
      expect(x.starts).toBe(starts)
    }
    expect(root.inspect()).toMatchObject({
      budget: { used: 1 },
      children: [{ path: '/sup/inner', restarts: 1, incarnation: 2, budget: { used: 1 } }],
    })
  })

  test('… or terminates itself: it goes up to the root', async () => {
    const { x, root } = family()
    await root.start()
    for (let deaths = 0; deaths < 4; deaths++) {
      x.die()
      await pass(DELAY_MS)
    }
    expect(x.isRunning).toBe(false)
    expect(await root.exited).toEqual({ kind: 'shutdown' })
  })

  test('a supervisor that gave up ended by shutdown: as a transient child it is not restarted', async () => {
    const { x, root } = family('transient')
    await root.start()
    for (let deaths = 0; deaths < 2; deaths++) {
      x.die()
      await pass(DELAY_MS)
    }
    expect(statuses(root)).toEqual({ inner: 'ended' })
  })
})

describe('while failed restarts are retried', () => {
  const retrying = async () => {
    const all = trio('one_for_all')
    await all.supervisor.start()
    all.a.failStarts = Number.POSITIVE_INFINITY
    all.a.die()
    await pass(5 * DELAY_MS)
    return all
  }

  test('which_children and count_children are answered', async () => {
    const { supervisor } = await retrying()
    expect(supervisor.whichChildren().map(({ child }) => child)).toEqual(Array(3).fill('restarting'))
    expect(supervisor.countChildren()).toEqual({ specs: 3, active: 0, supervisors: 0, workers: 3 })
  })

  test('terminate_child ends the retries of that child, and the rest of its group comes up', async () => {
    const { supervisor } = await retrying()
    await supervisor.terminateChild('a')
    await pass(DELAY_MS)
    expect(statuses(supervisor)).toEqual({ a: 'ended', b: 'running', c: 'running' })
  })

  test('restart_child and delete_child are refused with restarting', async () => {
    const { supervisor } = await retrying()
    await expect(supervisor.restartChild('a')).rejects.toMatchObject({ code: 'restarting', child: 'a' })
    await expect(supervisor.deleteChild('a')).rejects.toMatchObject({ code: 'restarting', child: 'a' })
  })

  test('a shutdown goes through', async () => {
    const { supervisor, events } = await retrying()
    supervisor.stop()
    expect(await outcomeOf(supervisor.exited)).toEqual({ kind: 'shutdown' })
    events.length = 0
    await pass(60_000)
    expect(events).toEqual([])
  })
})

describe('beyond OTP: the back-off', () => {
  const backoff = { minMs: 10, maxMs: 100, resetMs: 1_000 }

  /** The ms from each of `deaths` to its restart. */
  const delays = async (child: FakeChild, deaths: number): Promise<number[]> => {
    const found: number[] = []
    for (let n = 0; n < deaths; n++) {
      const { starts } = child
      const diedAtMs = Date.now()
      child.die()
      while (child.starts === starts) await pass(1)
      found.push(Date.now() - diedAtMs)
    }
    return found
  }

  test('it begins at its minimum, doubles with each failure in a row, and stays at half its maximum or more', async () => {
    const { supervisor, a } = trio('one_for_one', { backoff })
    await supervisor.start()
    // Without jitter, which the test system leaves out, the lower half's end of each span.
    expect(await delays(a, 5)).toEqual([10, 20, 40, 50, 50])
  })

  test('it is jittered, never beyond its maximum', async () => {
    const { system, supervisor, a } = trio('one_for_one', { backoff })
    Object.assign(system, { random: () => 0.999 })
    await supervisor.start()
    expect(await delays(a, 5)).toEqual([20, 40, 80, 100, 100])
  })

  test('it begins anew for a child that was up for long enough, and only for that', async () => {
    const { supervisor, a } = trio('one_for_one', { backoff })
    await supervisor.start()
    await delays(a, 3)
    await pass(999)
    expect(await delays(a, 1)).toEqual([50])
    await pass(1_000)
    expect(await delays(a, 1)).toEqual([10])
  })

  test('failing to start for long is not being up for long', async () => {
    const { supervisor, a } = trio('one_for_one', { backoff })
    await supervisor.start()
    a.failStarts = 40
    a.die()
    while (a.failStarts > 0) await pass(10)
    expect(Date.now()).toBeGreaterThan(1_000)
    await pass(50)
    expect(a.isRunning).toBe(true)
    expect(await delays(a, 1)).toEqual([50])
  })
})

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { NORMAL } from '../../../../runtime/actor/exit-reason.ts'
import { Supervisor } from '../../../../runtime/supervision/supervisor.ts'
import { supervisorChild } from '../../../../runtime/supervision/supervisor-child.ts'
import { SupervisorError } from '../../../../runtime/supervision/supervisor-error.ts'
import { clockSystem, DELAY_MS, FakeChild, pass, settle, statuses } from '../fake-child.ts'
import { supervise, trio } from '../fake-supervisors.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const refusal = async (promise: Promise<unknown>): Promise<SupervisorError> => {
  const cause = await promise.then(
    () => undefined,
    (cause) => cause,
  )
  if (!(cause instanceof SupervisorError)) throw new Error(`no SupervisorError: ${cause}`)
  return cause
}

const up = async (...of: Parameters<typeof trio>) => {
  const all = trio(...of)
  await all.supervisor.start()
  all.events.length = 0
  return all
}

describe('start_child', () => {
  test('dynamically adds a child specification and starts the corresponding child process', async () => {
    const { supervisor, events } = await up()
    const d = new FakeChild('d', events)
    const started = await supervisor.startChild(d.spec)
    expect(supervisor.whichChildren()[3]).toEqual({ id: 'd', child: started, type: 'worker' })
    d.die()
    await pass(DELAY_MS)
    expect(events).toEqual(['start d', 'd died', 'start d'])
  })

  test('the child comes last in the start order, and so first in the shutdown', async () => {
    const { supervisor, events } = await up()
    await supervisor.startChild(new FakeChild('d', events).spec)
    supervisor.stop()
    await supervisor.exited
    expect(events).toEqual(['start d', 'stop d', 'stop c', 'stop b', 'stop a'])
  })

  test('already_started: there is a child process with the specified identifier', async () => {
    const { supervisor, events } = await up()
    const refused = await refusal(supervisor.startChild(new FakeChild('a', events).spec))
    expect(refused).toMatchObject({ code: 'already_started', supervisor: '/sup', child: 'a' })
    expect(refused.message).toBe(
      '/sup/a is already started: terminate it first, or give the new child an id of its own',
    )
    expect(events).toEqual([])
  })

  test('already_present: the child specification exists, but the child process does not run, or restarts', async () => {
    const { supervisor, a, b } = await up()
    await supervisor.terminateChild('a')
    b.die()
    await settle()
    expect(await refusal(supervisor.startChild(a.spec))).toMatchObject({
      code: 'already_present',
      child: 'a',
    })
    expect(await refusal(supervisor.startChild(b.spec))).toMatchObject({
      code: 'already_present',
      child: 'b',
    })
  })

  test('ignore: the child specification is added, unless the child is temporary, and the caller is told', async () => {
    const { supervisor } = await up()
    const [kept, forgotten] = [
      new FakeChild('kept'),
      new FakeChild('forgotten', [], { restart: 'temporary' }),
    ]
    for (const child of [kept, forgotten]) {
      child.isIgnoring = true
      expect(await supervisor.startChild(child.spec)).toBe('ignore')
    }
    expect(statuses(supervisor)).toEqual({ a: 'running', b: 'running', c: 'running', kept: 'ignored' })
  })

  test('if the start function fails, the child specification is discarded and the function fails', async () => {
    const { supervisor } = await up()
    const d = new FakeChild('d')
    d.failStarts = 1
    expect(await refusal(supervisor.startChild(d.spec))).toMatchObject({
      code: 'start_failed',
      message: '/sup/d did not start: d refuses',
      cause: new Error('d refuses'),
    })
    expect(supervisor.countChildren().specs).toBe(3)
    expect(supervisor.inspect()).toMatchObject({ budget: { used: 0 } })
    await supervisor.startChild(d.spec)
    expect(d.isRunning).toBe(true)
  })

  test('of two calls with one identifier the first is done, the second refused', async () => {
    const { supervisor } = await up()
    const first = supervisor.startChild(new FakeChild('d').spec)
    const second = refusal(supervisor.startChild(new FakeChild('d').spec))
    await first
    expect((await second).code).toBe('already_started')
  })

  test('a call waits until the supervisor is up', async () => {
    const { supervisor, events, c } = trio()
    c.hold()
    const started = supervisor.start()
    const added = supervisor.startChild(new FakeChild('d', events).spec)
    await settle()
    expect(events).toEqual(['start a', 'start b', 'c hangs'])
    c.release()
    await Promise.all([started, added])
    expect(events.slice(3)).toEqual(['start c', 'start d'])
  })
})

describe('terminate_child', () => {
  test('the process is terminated as its specification says, the specification is kept, and it is not restarted', async () => {
    const { supervisor, events, b } = await up()
    await supervisor.terminateChild('b')
    await pass(1_000)
    expect(events).toEqual(['stop b'])
    expect(statuses(supervisor)).toMatchObject({ b: 'ended' })
    expect(b.closes).toBe(1)
    expect(supervisor.inspect()).toMatchObject({ budget: { used: 0 } })
  })

  test('a temporary child: its specification is deleted', async () => {
    const { supervisor } = supervise([new FakeChild('t', [], { restart: 'temporary' })])
    await supervisor.start()
    await supervisor.terminateChild('t')
    expect(supervisor.whichChildren()).toEqual([])
  })

  test('a child that does not run: nothing happens, and that is no error', async () => {
    const { supervisor, events } = await up()
    await supervisor.terminateChild('b')
    await supervisor.terminateChild('b')
    expect(events).toEqual(['stop b'])
  })

  test('a child that waits out its back-off is not restarted; what others wait for goes on', async () => {
    const { supervisor, a, b } = await up()
    a.die()
    b.die()
    await settle()
    await supervisor.terminateChild('a')
    await pass(DELAY_MS)
    expect([a.starts, b.starts]).toEqual([1, 2])
    expect(statuses(supervisor)).toEqual({ a: 'ended', b: 'running', c: 'running' })
  })

  test('under one_for_all, what was terminated while its group waits stays so, and the others come up', async () => {
    const { supervisor, a, b, c } = await up('one_for_all')
    a.die()
    await settle()
    await supervisor.terminateChild('b')
    await pass(DELAY_MS)
    expect([a.starts, b.starts, c.starts]).toEqual([2, 1, 2])
  })

  test('not_found: there is no child of that identifier', async () => {
    const { supervisor } = await up()
    expect(await refusal(supervisor.terminateChild('x'))).toMatchObject({
      code: 'not_found',
      child: 'x',
      message: '/sup/x is not found: the supervisor has no child of that id',
    })
  })
})

describe('restart_child', () => {
  test('restarts a child that was terminated, and supervises it again', async () => {
    const { supervisor, b } = await up()
    await supervisor.terminateChild('b')
    const started = await supervisor.restartChild('b')
    expect(supervisor.whichChildren()[1]).toMatchObject({ child: started })
    b.die()
    await pass(DELAY_MS)
    expect(b.starts).toBe(3)
  })

  test('restarts a transient child that ended, and one that ignored its start', async () => {
    const [t, i] = [new FakeChild('t', [], { restart: 'transient' }), new FakeChild('i')]
    i.isIgnoring = true
    const { supervisor } = supervise([t, i])
    await supervisor.start()
    t.die(NORMAL)
    await settle()
    expect(await supervisor.restartChild('i')).toBe('ignore')
    i.isIgnoring = false
    await supervisor.restartChild('t')
    await supervisor.restartChild('i')
    expect(statuses(supervisor)).toEqual({ t: 'running', i: 'running' })
  })

  test('if the start function fails, the function fails, and the child stays as it was', async () => {
    const { supervisor, b } = await up()
    await supervisor.terminateChild('b')
    b.failStarts = 1
    expect(await refusal(supervisor.restartChild('b'))).toMatchObject({ code: 'start_failed' })
    await pass(1_000)
    expect(statuses(supervisor)).toMatchObject({ b: 'ended' })
    expect(b.starts).toBe(1)
  })

  test('running · restarting · not_found: refused, each by name', async () => {
    const { supervisor, a } = await up()
    a.die()
    await settle()
    expect(await refusal(supervisor.restartChild('a'))).toMatchObject({ code: 'restarting', child: 'a' })
    expect(await refusal(supervisor.restartChild('b'))).toMatchObject({ code: 'running', child: 'b' })
    expect(await refusal(supervisor.restartChild('x'))).toMatchObject({ code: 'not_found', child: 'x' })
  })
})

describe('delete_child', () => {
  test('deletes the child specification of a child that does not run; its identifier is free again', async () => {
    const { supervisor, events } = await up()
    await supervisor.terminateChild('b')
    await supervisor.deleteChild('b')
    expect(supervisor.whichChildren().map(({ id }) => id)).toEqual(['a', 'c'])
    await supervisor.startChild(new FakeChild('b', events).spec)
    expect(events).toEqual(['stop b', 'start b'])
  })

  test('running · restarting · not_found: refused, each by name', async () => {
    const { supervisor, a } = await up()
    a.die()
    await settle()
    expect(await refusal(supervisor.deleteChild('a'))).toMatchObject({ code: 'restarting', child: 'a' })
    expect(await refusal(supervisor.deleteChild('b'))).toMatchObject({ code: 'running', child: 'b' })
    expect(await refusal(supervisor.deleteChild('x'))).toMatchObject({ code: 'not_found', child: 'x' })
  })
})

describe('what a supervisor tells', () => {
  const family = () => {
    const system = clockSystem()
    const [x, y] = [new FakeChild('x'), new FakeChild('y')]
    const inner = supervisorChild(system, {
      path: '/sup/inner',
      strategy: 'one_for_one',
      children: [x.spec],
    })
    const children = [inner, y.spec]
    return { x, y, supervisor: new Supervisor(system, { path: '/sup', strategy: 'one_for_one', children }) }
  }

  test('count_children: specs, active, supervisors, workers, whether they run or not', async () => {
    const { supervisor, y } = family()
    expect(supervisor.countChildren()).toEqual({ specs: 2, active: 0, supervisors: 1, workers: 1 })
    await supervisor.start()
    expect(supervisor.countChildren()).toEqual({ specs: 2, active: 2, supervisors: 1, workers: 1 })
    y.die()
    await settle()
    expect(supervisor.countChildren()).toEqual({ specs: 2, active: 1, supervisors: 1, workers: 1 })
  })

  test('which_children: in start order, the child that runs, restarting, or undefined', async () => {
    const { supervisor, y } = family()
    await supervisor.start()
    y.die()
    await settle()
    await supervisor.terminateChild('inner')
    expect(supervisor.whichChildren()).toEqual([
      { id: 'inner', child: undefined, type: 'supervisor' },
      { id: 'y', child: 'restarting', type: 'worker' },
    ])
  })

  test('find: the running child of a path anywhere below', async () => {
    const { supervisor, x, y } = family()
    expect(supervisor.find('/sup/y')).toBeUndefined()
    await supervisor.start()
    const [inner, second] = supervisor.whichChildren().map(({ child }) => child)
    expect(supervisor.find('/sup/inner')).toBe(inner)
    expect(supervisor.find('/sup/y')).toBe(second)
    supervisor.find('/sup/inner/x')?.kill()
    expect([x.isRunning, y.isRunning]).toEqual([false, true])
    for (const path of ['/sup', '/sup/', '/sup/x', '/sup/y/x', '/sup/inner/z', '/super/y'])
      expect(supervisor.find(path), path).toBeUndefined()
  })
})

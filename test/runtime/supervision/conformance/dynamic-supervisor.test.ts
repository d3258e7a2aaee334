import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { NORMAL } from '../../../../runtime/actor/exit-reason.ts'
import {
  DynamicSupervisor,
  type DynamicSupervisorOptions,
} from '../../../../runtime/supervision/dynamic-supervisor.ts'
import { Supervisor } from '../../../../runtime/supervision/supervisor.ts'
import { dynamicSupervisorChild } from '../../../../runtime/supervision/supervisor-child.ts'
import { BACKOFF, clockSystem, DELAY_MS, FakeChild, MANY, outcomeOf, pass, settle } from '../fake-child.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const dynamic = (options: Partial<DynamicSupervisorOptions> = {}) =>
  new DynamicSupervisor(clockSystem(), {
    path: '/dyn',
    maxChildren: 100,
    intensity: MANY,
    backoff: BACKOFF,
    ...options,
  })

const ids = (supervisor: DynamicSupervisor) => supervisor.whichChildren().map(({ id }) => id)

test('it starts without children; they are started on demand by start_child', async () => {
  const supervisor = dynamic()
  await supervisor.start()
  expect(supervisor.countChildren()).toEqual({ specs: 0, active: 0, supervisors: 0, workers: 0 })
  const started = await supervisor.startChild(new FakeChild('a').spec)
  expect(supervisor.whichChildren()).toEqual([{ id: 'a', child: started, type: 'worker' }])
  expect(supervisor.find('/dyn/a')).toBe(started)
})

test('one_for_one: a child that ends is restarted alone', async () => {
  const events: string[] = []
  const supervisor = dynamic()
  const [a, b] = [new FakeChild('a', events), new FakeChild('b', events)]
  await supervisor.startChild(a.spec)
  await supervisor.startChild(b.spec)
  events.length = 0
  a.die()
  await pass(DELAY_MS)
  expect(events).toEqual(['a died', 'start a'])
})

test.each([
  ['temporary', undefined],
  ['transient', NORMAL],
] as const)('a %s child that ends is forgotten', async (restart, reason) => {
  const supervisor = dynamic()
  const child = new FakeChild('x', [], { restart })
  await supervisor.startChild(child.spec)
  child.die(reason)
  await settle()
  expect(ids(supervisor)).toEqual([])
  expect(child.closes).toBe(1)
})

test('more than intensity restarts within period: it ends all children and exits with shutdown', async () => {
  const supervisor = dynamic({ intensity: { intensity: 1, periodMs: 1_000 } })
  const [a, b] = [new FakeChild('a'), new FakeChild('b')]
  await supervisor.startChild(a.spec)
  await supervisor.startChild(b.spec)
  a.die()
  await pass(DELAY_MS)
  a.die()
  expect(await supervisor.exited).toEqual({ kind: 'shutdown' })
  expect(b.isRunning).toBe(false)
})

describe('start_child', () => {
  test('max_children: children that start or are being restarted count', async () => {
    const supervisor = dynamic({ maxChildren: 3 })
    const [starting, restarting, running] = ['starting', 'restarting', 'running'].map(
      (id) => new FakeChild(id),
    ) as [FakeChild, FakeChild, FakeChild]
    await supervisor.startChild(restarting.spec)
    restarting.failStarts = 5
    restarting.die()
    await pass(2 * DELAY_MS)
    await supervisor.startChild(running.spec)
    starting.hold()
    void supervisor.startChild(starting.spec)
    await settle()
    await expect(supervisor.startChild(new FakeChild('d').spec)).rejects.toMatchObject({
      code: 'max_children',
      supervisor: '/dyn',
      child: 'd',
    })
    await supervisor.terminateChild('restarting')
    await supervisor.startChild(new FakeChild('d').spec)
    starting.release()
    await settle()
    expect(supervisor.countChildren()).toMatchObject({ specs: 3, active: 3 })
  })

  test('already_started · already_present: there is such a child, which runs, or is being restarted', async () => {
    const supervisor = dynamic()
    const a = new FakeChild('a')
    await supervisor.startChild(a.spec)
    await expect(supervisor.startChild(a.spec)).rejects.toMatchObject({ code: 'already_started' })
    a.die()
    await settle()
    await expect(supervisor.startChild(a.spec)).rejects.toMatchObject({ code: 'already_present' })
  })

  test('a failure to start fails the caller, and leaves no child', async () => {
    const supervisor = dynamic({ maxChildren: 1 })
    const a = new FakeChild('a')
    a.failStarts = 1
    await expect(supervisor.startChild(a.spec)).rejects.toMatchObject({ code: 'start_failed', child: 'a' })
    expect(ids(supervisor)).toEqual([])
    await supervisor.startChild(a.spec)
  })

  test('ignore: the child is not kept', async () => {
    const supervisor = dynamic({ maxChildren: 1 })
    const a = new FakeChild('a')
    a.isIgnoring = true
    expect(await supervisor.startChild(a.spec)).toBe('ignore')
    expect(ids(supervisor)).toEqual([])
  })

  test('a start that hangs holds up no other', async () => {
    const supervisor = dynamic()
    const hanging = new FakeChild('hanging')
    hanging.hold()
    const started = supervisor.startChild(hanging.spec)
    await supervisor.startChild(new FakeChild('b').spec)
    expect(await outcomeOf(started)).toBe('pending')
    expect(supervisor.countChildren()).toMatchObject({ specs: 2, active: 1 })
  })
})

describe('terminate_child', () => {
  test('the child ends as its specification says, and is forgotten', async () => {
    const supervisor = dynamic()
    const a = new FakeChild('a', [], { shutdown: 50 })
    a.isDeaf = true
    await supervisor.startChild(a.spec)
    const terminated = supervisor.terminateChild('a')
    await pass(50)
    await terminated
    expect([a.isRunning, ids(supervisor)]).toEqual([false, []])
  })

  test('one that waits for its restart is not started any more', async () => {
    const supervisor = dynamic()
    const a = new FakeChild('a')
    await supervisor.startChild(a.spec)
    a.die()
    await settle()
    await supervisor.terminateChild('a')
    await pass(1_000)
    expect([a.starts, ids(supervisor)]).toEqual([1, []])
  })

  test('not_found: there is no such child', async () => {
    await expect(dynamic().terminateChild('x')).rejects.toMatchObject({ code: 'not_found', child: 'x' })
  })
})

describe('shutdown', () => {
  test('all children are terminated at once, each within its own shutdown time', async () => {
    const events: string[] = []
    const supervisor = dynamic()
    const [a, b, c] = [
      new FakeChild('a', events, { shutdown: 50 }),
      new FakeChild('b', events, { shutdown: 80 }),
      new FakeChild('c', events, { shutdown: 'brutal_kill' }),
    ] as const
    for (const child of [a, b, c]) {
      child.isDeaf = true
      await supervisor.startChild(child.spec)
    }
    events.length = 0
    supervisor.stop()
    await settle()
    expect(events).toEqual(['stop a', 'stop b', 'kill c'])
    await pass(50)
    expect(events.slice(3)).toEqual(['kill a'])
    await pass(30)
    expect(events.slice(4)).toEqual(['kill b'])
    expect(await supervisor.exited).toEqual({ kind: 'shutdown' })
  })

  test('children that wait for their restart are not started, and those that start are ended', async () => {
    const supervisor = dynamic()
    const [waiting, starting] = [new FakeChild('waiting'), new FakeChild('starting')]
    await supervisor.startChild(waiting.spec)
    waiting.die()
    starting.hold()
    const started = supervisor.startChild(starting.spec)
    await settle()
    supervisor.stop()
    starting.release()
    await Promise.all([started, supervisor.exited])
    await pass(1_000)
    expect([waiting.starts, starting.isRunning]).toEqual([1, false])
  })
})

test('as a child of a supervisor it begins anew, without the children of its earlier life', async () => {
  const system = clockSystem()
  const spec = dynamicSupervisorChild(system, { path: '/sup/dyn', maxChildren: 10 })
  const root = new Supervisor(system, {
    path: '/sup',
    strategy: 'one_for_one',
    children: [spec],
    backoff: BACKOFF,
  })
  await root.start()
  const a = new FakeChild('a')
  await (root.find('/sup/dyn') as DynamicSupervisor).startChild(a.spec)
  expect(root.find('/sup/dyn/a')).toBeDefined()
  root.find('/sup/dyn')?.kill()
  await pass(DELAY_MS)
  expect(a.isRunning).toBe(false)
  expect((root.find('/sup/dyn') as DynamicSupervisor).countChildren().specs).toBe(0)
})

test('a child that is being terminated when its supervisor stops ends once, and its supervisor with it', async () => {
  const events: string[] = []
  const supervisor = dynamic()
  await supervisor.start()
  await supervisor.startChild(new FakeChild('a', events).spec)
  events.length = 0
  const terminated = supervisor.terminateChild('a')
  supervisor.stop()
  await supervisor.exited
  await terminated
  expect(events).toContain('stop a')
})

test('a child that ignores its restart is forgotten: it takes nobody the place', async () => {
  const supervisor = dynamic({ maxChildren: 1 })
  await supervisor.start()
  const a = new FakeChild('a')
  await supervisor.startChild(a.spec)
  a.isIgnoring = true
  a.die()
  await pass(DELAY_MS)
  expect(ids(supervisor)).toEqual([])
  await supervisor.startChild(new FakeChild('b').spec)
  expect(ids(supervisor)).toEqual(['b'])
})

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { Supervisor } from '../../../../runtime/supervision/supervisor.ts'
import { supervisorChild } from '../../../../runtime/supervision/supervisor-child.ts'
import { clockSystem, ERROR, FakeChild, outcomeOf, pass, settle, statuses } from '../fake-child.ts'
import { supervise, trio } from '../fake-supervisors.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

describe('start', () => {
  test('the children are started in order from left to right', async () => {
    const { supervisor, events } = trio()
    await supervisor.start()
    expect(events).toEqual(['start a', 'start b', 'start c'])
  })

  test('if the start function of any child fails, the supervisor terminates the children already started, in reverse, and fails', async () => {
    const { supervisor, events, c } = trio()
    c.failStarts = 1
    await expect(supervisor.start()).rejects.toMatchObject({
      code: 'start_failed',
      supervisor: '/sup',
      child: 'c',
      message: '/sup/c did not start: c refuses',
      cause: new Error('c refuses'),
    })
    expect(events).toEqual(['start a', 'start b', 'c fails', 'stop b', 'stop a'])
    expect(await supervisor.exited).toEqual({ kind: 'shutdown' })
  })

  test('ignore: the child specification is kept, and the child does not run', async () => {
    const { supervisor, b } = trio()
    b.isIgnoring = true
    await supervisor.start()
    expect(statuses(supervisor)).toEqual({ a: 'running', b: 'ignored', c: 'running' })
    expect(supervisor.whichChildren()[1]).toEqual({ id: 'b', child: undefined, type: 'worker' })
  })

  test('ignore: the specification of a temporary child is not kept', async () => {
    const child = new FakeChild('x', [], { restart: 'temporary' })
    child.isIgnoring = true
    const { supervisor } = supervise([child])
    await supervisor.start()
    expect(supervisor.whichChildren()).toEqual([])
  })

  test('a child that ends while its siblings still start is restarted when all are up', async () => {
    const { supervisor, events, a, c } = trio('one_for_all')
    c.hold()
    const started = supervisor.start()
    await settle()
    a.die()
    await pass(100)
    expect(events).toEqual(['start a', 'start b', 'c hangs', 'a died'])
    c.release()
    await started
    await pass(100)
    expect(events.slice(4)).toEqual(['start c', 'stop c', 'stop b', 'start a', 'start b', 'start c'])
  })
})

describe('shutdown', () => {
  test('the children are terminated in reversed start order, and the supervisor exits with shutdown', async () => {
    const { supervisor, events } = trio()
    await supervisor.start()
    events.length = 0
    supervisor.stop()
    expect(await supervisor.exited).toEqual({ kind: 'shutdown' })
    expect(events).toEqual(['stop c', 'stop b', 'stop a'])
  })

  test('the next child is not told before the one after it has ended', async () => {
    const { supervisor, events, c } = trio()
    c.isDeaf = true
    await supervisor.start()
    events.length = 0
    supervisor.stop()
    await pass(999)
    expect(events).toEqual(['stop c'])
    await pass(1)
    expect(events).toEqual(['stop c', 'kill c', 'stop b', 'stop a'])
  })

  test('an integer time-out: a child that has not ended within that time is terminated by kill', async () => {
    const child = new FakeChild('deaf', [], { shutdown: 50 })
    child.isDeaf = true
    const { supervisor } = supervise([child])
    await supervisor.start()
    supervisor.stop()
    await pass(49)
    expect(child.isRunning).toBe(true)
    await pass(1)
    expect(child.isRunning).toBe(false)
    expect(supervisor.inspect()).toMatchObject({ children: [{ lastExit: { reason: 'killed' } }] })
  })

  test('brutal_kill: the child is terminated unconditionally, and not told to stop', async () => {
    const events: string[] = []
    const { supervisor } = supervise([new FakeChild('x', events, { shutdown: 'brutal_kill' })])
    await supervisor.start()
    supervisor.stop()
    await supervisor.exited
    expect(events).toEqual(['start x', 'kill x'])
  })

  test('infinity: the child is given all the time that it takes', async () => {
    const child = new FakeChild('slow', [], { shutdown: 'infinity' })
    child.isDeaf = true
    const { supervisor } = supervise([child])
    await supervisor.start()
    supervisor.stop()
    await pass(24 * 60 * 60_000)
    expect(child.isRunning).toBe(true)
    child.die()
    expect(await supervisor.exited).toEqual({ kind: 'shutdown' })
  })

  test('a child that dies for a reason of its own while it shuts down, or before its turn comes, is not restarted', async () => {
    const { supervisor, events, a, b, c } = trio()
    c.isDeaf = true
    await supervisor.start()
    events.length = 0
    supervisor.stop()
    await settle()
    a.die()
    c.die()
    b.stopReason = ERROR
    expect(await supervisor.exited).toEqual({ kind: 'shutdown' })
    await pass(60_000)
    expect(events).toEqual(['stop c', 'a died', 'c died', 'stop b'])
    expect(b.isRunning).toBe(false)
  })

  test('a child that waits for its restart is not started any more', async () => {
    const { supervisor, a } = trio()
    await supervisor.start()
    a.die()
    await settle()
    expect(statuses(supervisor)).toMatchObject({ a: 'restarting' })
    supervisor.stop()
    await supervisor.exited
    await pass(60_000)
    expect(a.starts).toBe(1)
  })

  test('what an ended supervisor is asked to change is refused with noproc', async () => {
    const { supervisor, a } = trio()
    await supervisor.start()
    supervisor.stop()
    await supervisor.exited
    const noproc = { code: 'noproc', supervisor: '/sup' }
    await expect(supervisor.startChild(new FakeChild('x').spec)).rejects.toMatchObject(noproc)
    await expect(supervisor.terminateChild(a.id)).rejects.toMatchObject(noproc)
    await expect(supervisor.restartChild(a.id)).rejects.toMatchObject(noproc)
    await expect(supervisor.deleteChild(a.id)).rejects.toMatchObject(noproc)
  })

  test('whatever has no supervisor any more refuses messages, also below a supervisor that had not started yet', async () => {
    const system = clockSystem()
    const [bad, x] = [new FakeChild('bad'), new FakeChild('x')]
    bad.failStarts = 1
    const inner = supervisorChild(system, {
      path: '/sup/inner',
      strategy: 'one_for_one',
      children: [x.spec],
    })
    const supervisor = new Supervisor(system, {
      path: '/sup',
      strategy: 'one_for_one',
      children: [bad.spec, inner],
    })
    await expect(supervisor.start()).rejects.toThrow('bad refuses')
    expect([bad.closes, x.closes]).toEqual([1, 1])
  })

  test('kill is not stop: all children are killed at once, in no order and without a time-out', async () => {
    const { supervisor, events, a, b, c } = trio()
    for (const child of [a, b, c]) child.isDeaf = true
    await supervisor.start()
    events.length = 0
    supervisor.kill()
    expect(events).toEqual(['kill a', 'kill b', 'kill c'])
    expect(await supervisor.exited).toEqual({ kind: 'killed' })
    await pass(60_000)
    expect(a.starts).toBe(1)
  })

  test('a kill cuts a shutdown short that is under way', async () => {
    const { supervisor, events, c } = trio()
    c.isDeaf = true
    await supervisor.start()
    events.length = 0
    supervisor.stop()
    supervisor.kill()
    expect(await outcomeOf(supervisor.exited)).toEqual({ kind: 'killed' })
    expect(events).toEqual(['stop c', 'kill a', 'kill b', 'kill c'])
  })
})

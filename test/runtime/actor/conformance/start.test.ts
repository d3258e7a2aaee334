import { expect, test } from 'vitest'
import { Actors, idle, settled } from './fixture.ts'

/** gen_server:start_link and `init`; the same of supervised actors is in test/runtime/supervision. */

test('start returns when init has returned, and messages sent before it are handled after it', async () => {
  const events: string[] = []
  const gate = Promise.withResolvers<void>()
  const cell = new Actors().cell<string>('server', () => ({
    init: async () => {
      await gate.promise
      events.push('init')
    },
    receive: (message) => void events.push(message),
  }))
  cell.tell('early')
  const started = cell.start().then(() => events.push('started'))
  await settled()
  expect(events).toEqual([])
  gate.resolve()
  await started
  await settled()
  expect(events).toEqual(['init', 'early', 'started'])
})

test('if init fails, start fails with its reason, terminate is not called, and nothing is left running', async () => {
  const events: string[] = []
  const cell = new Actors().cell('server', () => ({
    init: () => Promise.reject(new Error('no database')),
    receive: () => {},
    terminate: () => void events.push('terminate'),
  }))
  await expect(cell.start()).rejects.toThrow('no database')
  expect(cell.inspect().state).toBe('idle')
  expect(events).toEqual([])
})

test('a behaviour that cannot be made fails the start, and a later start may succeed', async () => {
  let isBroken = true
  const cell = new Actors().cell('server', () => {
    if (isBroken) throw new Error('not now')
    return idle()
  })
  await expect(cell.start()).rejects.toThrow('not now')
  isBroken = false
  await cell.start()
  expect(cell.inspect()).toMatchObject({ state: 'running', incarnation: 2 })
})

test('a process that is running already cannot be started', async () => {
  const cell = await new Actors().started('server', idle)
  await expect(cell.start()).rejects.toThrow('/test/server cannot start: it is running')
})

test('a kill interrupts a start whose init never returns', async () => {
  const cell = new Actors().cell('server', () => ({ init: () => new Promise(() => {}), receive: () => {} }))
  const started = cell.start()
  cell.kill()
  await expect(started).rejects.toThrow('/test/server ended while it started: killed')
})

test('a stop waits for init, as an exit signal does', async () => {
  const gate = Promise.withResolvers<void>()
  const handled: string[] = []
  const cell = new Actors().cell<string>('server', () => ({
    init: () => gate.promise,
    receive: (message) => void handled.push(message),
  }))
  const started = cell.start()
  cell.tell('waits')
  cell.stop()
  gate.resolve()
  await started
  expect(await cell.exited).toEqual({ kind: 'shutdown' })
  expect(handled).toEqual([])
})

test('a failure beside init fails the start', async () => {
  const cell = new Actors().cell('server', (self) => ({
    init: () => {
      self.fail(new Error('the socket broke'))
      return new Promise(() => {})
    },
    receive: () => {},
  }))
  await expect(cell.start()).rejects.toThrow('ended while it started: error: the socket broke')
})

test('a start that fails beside init is over when terminate is: it can be started again at once', async () => {
  let isBroken = true
  const events: string[] = []
  const cell = new Actors().cell('server', (self) => ({
    init: () => {
      if (!isBroken) return
      self.fail(new Error('the socket broke'))
      throw new Error('no socket')
    },
    receive: () => {},
    terminate: async () => {
      await settled()
      events.push('terminated')
    },
  }))
  await expect(cell.start()).rejects.toThrow('no socket')
  expect(events).toEqual(['terminated'])
  isBroken = false
  await cell.start()
  expect(cell.inspect().state).toBe('running')
})

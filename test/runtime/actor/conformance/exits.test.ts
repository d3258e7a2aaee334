import { expect, test } from 'vitest'
import { Actors, idle, puppet, type Step, settled } from './fixture.ts'

/**
 * exit/2 with `shutdown` and `kill`, gen_server's `stop` and `terminate`.
 *
 * Where Node differs from Erlang: a handler that awaits something cannot be pre-empted, so the code of a killed one goes on.
 * It is fenced: see fence.test.ts.
 */

/** Writes down what happens; each message is handled for as long as its gate is closed. */
async function gated() {
  const actors = new Actors()
  const events: string[] = []
  const cell = await actors.started<Promise<void>>('server', () => ({
    receive: async (gate) => {
      events.push('begin')
      await gate
      events.push('end')
    },
    terminate: ({ kind }) => void events.push(`terminate: ${kind}`),
  }))
  return { actors, events, cell }
}

test('an ordered stop lets the running handler finish, then calls terminate(shutdown)', async () => {
  const { events, cell } = await gated()
  const gate = Promise.withResolvers<void>()
  cell.tell(gate.promise)
  await settled()
  cell.stop()
  await settled()
  expect(events).toEqual(['begin'])
  gate.resolve()
  expect(await cell.exited).toEqual({ kind: 'shutdown' })
  expect(events).toEqual(['begin', 'end', 'terminate: shutdown'])
})

test('an ordered stop goes before queued messages, which are kept for the next incarnation', async () => {
  const { events, cell } = await gated()
  cell.tell(Promise.resolve())
  cell.tell(Promise.resolve())
  cell.stop()
  await cell.exited
  expect(events).toEqual(['terminate: shutdown'])
  expect(cell.inspect().mailbox.depth).toBe(2)
  await cell.start()
  await settled()
  expect(events).toEqual(['terminate: shutdown', 'begin', 'end', 'begin', 'end'])
})

test('kill ends a process at once, whatever it does: terminate is not called, the reason is killed', async () => {
  const { events, cell } = await gated()
  cell.tell(new Promise(() => {}))
  await settled()
  cell.kill()
  expect(await cell.exited).toEqual({ kind: 'killed' })
  expect(events).toEqual(['begin'])
})

test('kill ends a process that does not end its terminate', async () => {
  const cell = await new Actors().started('server', () => ({
    receive: () => {},
    terminate: () => new Promise(() => {}),
  }))
  cell.stop()
  await settled()
  cell.kill()
  expect(await cell.exited).toEqual({ kind: 'killed' })
})

test('{stop, normal, State} ends a process once its handler is through, with normal', async () => {
  const cell = await new Actors().started<Step>('server', puppet)
  const events: string[] = []
  cell.tell(async (self) => {
    self.stop()
    await settled()
    events.push('handler through')
  })
  cell.tell(() => void events.push('never'))
  expect(await cell.exited).toEqual({ kind: 'normal' })
  expect(events).toEqual(['handler through'])
})

test('of two orderly ends the first is the reason', async () => {
  const cell = await new Actors().started<Step>('server', puppet)
  cell.tell(async (self) => {
    self.stop()
    await settled()
    cell.stop()
  })
  expect(await cell.exited).toEqual({ kind: 'normal' })
})

test('a handler that stops its process and then fails ends it with the failure', async () => {
  const cell = await new Actors().started<Step>('server', puppet)
  cell.tell((self) => {
    self.stop()
    throw new Error('after all')
  })
  expect(await cell.exited).toMatchObject({ kind: 'error', error: { message: 'after all' } })
})

test('a throw ends the incarnation, terminate is called with its reason, and the message is not handled again', async () => {
  const reasons: string[] = []
  const cell = await new Actors().started<Step>('server', (self) => ({
    ...puppet(self),
    terminate: ({ kind }) => void reasons.push(kind),
  }))
  let tries = 0
  cell.tell(() => {
    tries++
    throw new Error('told to fail')
  })
  expect(await cell.exited).toMatchObject({ kind: 'error', error: { message: 'told to fail' } })
  expect(reasons).toEqual(['error'])
  await cell.start()
  await settled()
  expect([tries, cell.incarnation]).toEqual([1, 2])
})

test('crash ends an actor as if its handler had thrown, and says when there was nothing to crash', async () => {
  const cell = await new Actors().started('server', idle)
  expect(cell.crash(new Error('chaos'))).toBe(true)
  expect(await cell.exited).toMatchObject({ kind: 'error', error: { message: 'chaos' } })
  expect(cell.crash(new Error('chaos'))).toBe(false)
})

test('the first failure is the reason, and terminate is not cut short by what fails in its wake', async () => {
  const gate = Promise.withResolvers<void>()
  const events: string[] = []
  const cell = await new Actors().started<Step>('server', (self) => ({
    ...puppet(self),
    terminate: async () => {
      await gate.promise
      events.push('terminated')
    },
  }))
  cell.tell((self) => {
    self.fail(new Error('first'))
    return Promise.reject(new Error('second'))
  })
  await settled()
  gate.resolve()
  expect(await cell.exited).toMatchObject({ kind: 'error', error: { message: 'first' } })
  expect(events).toEqual(['terminated'])
})

test('a terminate that fails is the exit reason of an ordered stop', async () => {
  const cell = await new Actors().started('server', () => ({
    receive: () => {},
    terminate: () => Promise.reject(new Error('cannot close')),
  }))
  cell.stop()
  expect(await cell.exited).toMatchObject({ kind: 'error', error: { message: 'cannot close' } })
})

test.each(['kill', 'stop', 'crash'] as const)(
  'what a process holds is released at its end: %s',
  async (how) => {
    const released: string[] = []
    const cell = await new Actors().started('server', (self) => {
      self.ended.addEventListener('abort', () => released.push('socket'))
      return idle()
    })
    if (how === 'crash') cell.crash('bad')
    else cell[how]()
    await cell.exited
    expect(released).toEqual(['socket'])
  },
)

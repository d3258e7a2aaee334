import { expect, test } from 'vitest'
import type { Behaviour, Reply, Signal } from '../../../runtime/actor/actor.ts'
import { ActorCell } from '../../../runtime/actor/actor-cell.ts'
import { testSystem } from '../../support/test-system.ts'

type Message = { type: 'add'; value: number } | { type: 'fail' } | { type: 'sum'; reply: Reply<number> }

class Adder implements Behaviour<Message> {
  readonly seen: number[] = []
  receive(message: Message): void {
    if (message.type === 'fail') throw new Error('told to fail')
    if (message.type === 'add') this.seen.push(message.value)
    else message.reply.answer(this.seen.reduce((a, b) => a + b, 0))
  }
}

const cellOf = (create: () => Behaviour<Message> = () => new Adder(), capacity = 4) => {
  const system = testSystem()
  return { system, cell: new ActorCell(system, '/test/adder', capacity, create) }
}

test('messages are handled in the order they came, an answer comes back', async () => {
  const { cell } = cellOf()
  await cell.start()
  cell.tell({ type: 'add', value: 1 })
  cell.tell({ type: 'add', value: 2 })
  expect(await cell.ask<number>((reply) => ({ type: 'sum', reply }), 1_000)).toBe(3)
})

test('a full mailbox refuses, before the start and while restarting too', async () => {
  const { cell } = cellOf()
  const told = Array.from({ length: 5 }, (_, value) => cell.tell({ type: 'add', value }))
  expect(told).toEqual(['accepted', 'accepted', 'accepted', 'accepted', 'full'])
  expect(cell.inspect().mailbox).toMatchObject({ depth: 4, highWater: 4, refused: 1 })
})

test('a throw ends the incarnation, messages behind it wait for the next', async () => {
  const { cell } = cellOf()
  await cell.start()
  cell.tell({ type: 'fail' })
  cell.tell({ type: 'add', value: 5 })
  expect(await cell.exited).toMatchObject({ kind: 'error', error: { message: 'told to fail' } })
  await cell.start()
  expect(cell.incarnation).toBe(2)
  expect(await cell.ask<number>((reply) => ({ type: 'sum', reply }), 1_000)).toBe(5)
})

test('an ask fails at once when its target dies, and in time when nobody answers', async () => {
  const { cell } = cellOf(() => ({
    receive: (m) => (m.type === 'fail' ? Promise.reject(new Error('x')) : undefined),
  }))
  await cell.start()
  const unanswered = cell.ask<number>((reply) => ({ type: 'sum', reply }), 20)
  await expect(unanswered).rejects.toMatchObject({ code: 'timeout' })
  const lost = cell.ask<number>((reply) => ({ type: 'sum', reply }), 60_000)
  cell.tell({ type: 'fail' })
  await expect(lost).rejects.toMatchObject({ code: 'dead' })
})

test('a stop lets the running handler finish and keeps what waits; a kill does not wait', async () => {
  const gate = Promise.withResolvers<void>()
  const events: string[] = []
  const { cell } = cellOf(() => ({
    receive: async () => {
      await gate.promise
      events.push('handled')
    },
    terminate: (reason) => void events.push(reason.kind),
  }))
  await cell.start()
  cell.tell({ type: 'add', value: 1 })
  cell.tell({ type: 'add', value: 2 })
  await Promise.resolve()
  cell.stop()
  gate.resolve()
  expect(await cell.exited).toEqual({ kind: 'shutdown' })
  expect(events).toEqual(['handled', 'shutdown'])
  expect(cell.inspect().mailbox.depth).toBe(1)
  await cell.start()
  cell.kill()
  expect(await cell.exited).toEqual({ kind: 'killed' })
})

test('DOWN comes once, and at once for a target that is not running', async () => {
  const { cell } = cellOf()
  const signals: Signal[] = []
  cell.watch((signal) => signals.push(signal))
  await cell.start()
  cell.watch((signal) => signals.push(signal))
  cell.kill()
  cell.kill()
  expect(signals.map(({ incarnation, reason }) => [incarnation, reason.kind])).toEqual([
    [0, 'noproc'],
    [1, 'killed'],
  ])
})

test('messages to a closed actor become dead letters', () => {
  const { system, cell } = cellOf()
  cell.tell({ type: 'add', value: 1 })
  cell.close()
  expect(cell.tell({ type: 'fail' })).toBe('dead')
  expect(system.deadLetters.inspect()).toMatchObject({
    count: 2,
    latest: [{ message: 'add' }, { message: 'fail' }],
  })
})

test('a failing init fails the start and leaves nothing running', async () => {
  const { cell } = cellOf(() => ({ receive: () => {}, init: () => Promise.reject(new Error('no database')) }))
  await expect(cell.start()).rejects.toThrow('no database')
  expect(cell.inspect().state).toBe('idle')
})

test('a question to an actor that is not running fails at once, and does not wait for its next incarnation', async () => {
  const { cell } = cellOf()
  await expect(cell.ask<number>((reply) => ({ type: 'sum', reply }), 60_000)).rejects.toMatchObject({
    code: 'dead',
  })
  expect(cell.inspect().mailbox.depth).toBe(0)
})

test('a behaviour that cannot be made fails the start, and a later start may succeed', async () => {
  let isBroken = true
  const { cell } = cellOf(() => {
    if (isBroken) throw new Error('not now')
    return new Adder()
  })
  await expect(cell.start()).rejects.toThrow('not now')
  isBroken = false
  await cell.start()
  expect(cell.inspect().state).toBe('running')
})

import { beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { ActorCell } from '../../runtime/actor/actor-cell.ts'
import { Drain, type DrainMessage, type DrainPart, type DrainReport } from '../../supervisors/drain.ts'
import { testSystem } from '../support/test-system.ts'

beforeEach(() => {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
})

/** Parts that take their time, and what happens to them. */
function parts() {
  const events: string[] = []
  const part = (path: string, ms: number): DrainPart => ({
    path,
    run: async () => {
      events.push(`begin ${path}`)
      await new Promise((wake) => setTimeout(wake, ms))
      events.push(`end ${path}`)
    },
    left: () => `3 jobs of ${path}`,
  })
  const failing = (path: string): DrainPart => ({
    ...part(path, 0),
    run: () => Promise.reject(new Error(`${path} is dead`)),
  })
  return { events, part, failing, hanging: (path: string) => part(path, 10 ** 9) }
}

/** Steps that end at 50 % and 90 % of a second. */
async function stop(first: DrainPart[], second: DrainPart[]) {
  const steps = [
    { name: 'first', endsAtShare: 0.5, parts: first },
    { name: 'second', endsAtShare: 0.9, parts: second },
  ]
  const cell = new ActorCell<DrainMessage>(testSystem(), '/node/drain', 1, () => new Drain(steps, Date.now))
  await cell.start()
  const startedAtMs = Date.now()
  const report = cell
    .ask<DrainReport>((reply) => ({ type: 'stop', timeoutMs: 1_000, reply }), 1_000)
    .then((answer) => ({ ...answer, ms: Date.now() - startedAtMs }))
  return { cell, report }
}

test('steps follow each other, the parts of one step are under way together', async () => {
  const { events, part } = parts()
  const { report } = await stop([part('a', 200), part('b', 200)], [part('c', 100)])
  await vi.advanceTimersByTimeAsync(300)
  expect(await report).toEqual({ cut: [], ms: 300 })
  expect(events).toEqual(['begin a', 'begin b', 'end a', 'end b', 'begin c', 'end c'])
})

test('a part that hangs is cut at the end of its step, and what it was at is said; those after it have their time', async () => {
  const { events, part, hanging } = parts()
  const { report } = await stop([hanging('a'), part('b', 10)], [part('c', 100)])
  await vi.advanceTimersByTimeAsync(600)
  expect(await report).toEqual({ cut: ['a: 3 jobs of a'], ms: 600 })
  expect(events).toEqual(['begin a', 'begin b', 'end b', 'begin c', 'end c'])
})

test('however many parts hang, the answer comes before the deadline', async () => {
  const { hanging } = parts()
  const { report } = await stop([hanging('a'), hanging('b')], [hanging('c')])
  await vi.advanceTimersByTimeAsync(900)
  expect(await report).toMatchObject({ cut: [{}, {}, {}].map(() => expect.any(String)), ms: 900 })
})

test('a part that fails holds up nobody, and is told as cut', async () => {
  const { events, part, failing } = parts()
  const { cell, report } = await stop([failing('a'), part('b', 10)], [failing('c'), part('d', 10)])
  await vi.advanceTimersByTimeAsync(20)
  expect(await report).toEqual({ cut: ['a: failed', 'c: failed'], ms: 20 })
  expect(events).toEqual(['begin b', 'end b', 'begin d', 'end d'])
  expect(cell.inspect()).toMatchObject({ steps: [{ parts: { a: 'failed', b: 'done' } }, {}] })
})

test('while it stops it shows the step it is in, what is through, and how long that took', async () => {
  const { part, hanging } = parts()
  const { cell } = await stop([part('a', 200)], [part('b', 10), hanging('c')])
  await vi.advanceTimersByTimeAsync(300)
  expect(cell.inspect()).toMatchObject({
    steps: [
      { step: 'first', ms: 200, parts: { a: 'done' } },
      { step: 'second', ms: undefined, parts: { b: 'done', c: 'running' } },
    ],
  })
})

import { expect, test, vi } from 'vitest'
import { Housekeeper } from '../../../actors/housekeeper/housekeeper.ts'
import { ActorCell } from '../../../runtime/actor/actor-cell.ts'
import { testSystem } from '../../support/test-system.ts'

test('each chore runs when it is due, and one that fails does not hold up the others', async () => {
  let nowMs = 0
  const runs: string[] = []
  const housekeeper = new Housekeeper(
    [
      {
        name: 'often',
        everyMs: 10,
        run: async (at) => {
          runs.push(`often ${at}`)
          throw new Error('always')
        },
      },
      { name: 'seldom', everyMs: 25, run: async (at) => void runs.push(`seldom ${at}`) },
    ],
    () => nowMs,
  )
  for (nowMs of [5, 10, 20, 30]) await housekeeper.receive()
  expect(runs).toEqual(['often 10', 'often 20', 'often 30', 'seldom 30'])
})

test('a killed housekeeper leaves no timer behind', async () => {
  vi.useFakeTimers()
  const chore = { name: 'often', everyMs: 10, run: async () => {} }
  const cell = new ActorCell(testSystem(), '/test/housekeeper', 1, () => new Housekeeper([chore], Date.now))
  await cell.start()
  expect(vi.getTimerCount()).toBe(1)
  cell.kill()
  expect(vi.getTimerCount()).toBe(0)
  vi.useRealTimers()
})

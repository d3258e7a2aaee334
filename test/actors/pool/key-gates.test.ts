import { expect, test } from 'vitest'
import { KeyGates } from '../../../actors/pool/key-gates.ts'
import { aJob } from '../../support/jobs.ts'

test('one job of a key runs at a time, followers come out in their order', () => {
  const gates = new KeyGates()
  const [first, second, third] = [aJob(), aJob(), aJob()]
  expect([first, second, third].map((job) => gates.enter('k', job))).toEqual(['run', 'wait', 'wait'])
  expect(gates.enter('other', aJob())).toBe('run')
  expect(gates.release('k')).toBe(second)
  expect(gates.release('k')).toBe(third)
  expect(gates.release('k')).toBeUndefined()
  expect(gates.enter('k', aJob())).toBe('run')
})

test('a job that has to be retried takes its followers into the table, and later ones are parked behind them', () => {
  const gates = new KeyGates()
  const [first, follower, later] = [aJob(), aJob(), aJob()]
  gates.enter('k', first)
  gates.enter('k', follower)
  expect(gates.becomeHeld('k')).toEqual([follower])
  expect(gates.enter('k', later)).toBe('park')
  for (let row = 0; row < 3; row++) {
    expect(gates.enter('k', aJob())).toBe('park')
    gates.rowSettled('k')
    gates.rowSettled('k')
  }
  expect(gates.enter('k', aJob())).toBe('run')
})

test('rows from before the start hold the key', () => {
  const gates = new KeyGates()
  gates.hold('k', 2)
  expect(gates.enter('k', aJob())).toBe('park')
  for (let row = 0; row < 3; row++) gates.rowSettled('k')
  expect(gates.enter('k', aJob())).toBe('run')
})

test('an open gate is forgotten', () => {
  const gates = new KeyGates()
  gates.enter('k', aJob())
  gates.release('k')
  expect(gates.size).toBe(0)
})

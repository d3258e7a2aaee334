import { expect, test } from 'vitest'
import { SoloTurn } from '../../../actors/consumer/solo-turn.ts'

test('one has the turn; those who wait are told in the order in which they asked, and nobody comes twice in a row before them', () => {
  const turn = new SoloTurn()
  const told: string[] = []
  const owners = ['a', 'b', 'c'].map((name) => ({ name }))
  const [a, b, c] = owners as [object, object, object]
  const take = (owner: object) => turn.take(owner, () => told.push((owner as { name: string }).name))
  expect([take(a), take(b), take(c), take(b), take(a)]).toEqual([true, false, false, false, true])
  turn.give(a)
  expect([told, take(a)]).toEqual([['b'], false])
  turn.give(c)
  expect(told).toEqual(['b'])
  turn.give(b)
  expect([told, take(b), take(a)]).toEqual([['b', 'a'], false, true])
})

test('one who gives it up without having it takes it from nobody', () => {
  const turn = new SoloTurn()
  const [a, b] = [{}, {}]
  turn.take(a, () => {})
  turn.give(b)
  expect(turn.take(b, () => {})).toBe(false)
})

test('nobody has the turn while a consumer holds it; the first who asked is told when the last one does not', () => {
  const turn = new SoloTurn(['a', 'b'])
  const told: string[] = []
  const [one, two] = [{}, {}]
  expect([turn.take(one, () => told.push('one')), turn.take(two, () => told.push('two'))]).toEqual([
    false,
    false,
  ])
  turn.free('a')
  turn.free('a')
  expect(told).toEqual([])
  turn.free('b')
  expect([told, turn.take(one, () => {})]).toEqual([['one'], true])
  turn.hold('a')
  turn.give(one)
  expect(told).toEqual(['one'])
  turn.free('a')
  expect(told).toEqual(['one', 'two'])
})

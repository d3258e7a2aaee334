import { expect, it } from 'vitest'
import { BoundedMap } from '../../../actors/upstreams/bounded-map.ts'

it('a full map forgets the entry that was set longest ago', () => {
  const map = new BoundedMap<number>(2)
  map.set('a', 1)
  map.set('b', 2)
  map.set('a', 3)
  map.set('c', 4)
  expect([map.get('a'), map.get('b'), map.get('c')]).toEqual([3, undefined, 4])
})

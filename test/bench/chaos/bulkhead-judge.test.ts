import { expect, test } from 'vitest'
import { judgeBulkhead, type Trouble, weaknessesOfTroubles } from '../../../bench/chaos/bulkhead-judge.ts'

const ms = (p99: number): number[] => [
  ...Array.from({ length: 980 }, () => 10),
  ...Array.from({ length: 20 }, () => p99),
]

const SOUND: Trouble = {
  round: 1,
  way: 'boot',
  seconds: 8,
  storedMs: ms(48),
  besideBurnerMs: ms(40),
  cores: 0.5,
  threadStarts: 12,
  supervisorStarts: 2,
  backMs: 900,
}
const broken = (of: Partial<Trouble>): string[] =>
  judgeBulkhead([{ ...SOUND, ...of }])
    .filter(({ offences }) => offences.length > 0)
    .map(({ promise }) => promise)

test('a bulkhead that holds breaks nothing', () => {
  expect(broken({})).toEqual([])
  expect(weaknessesOfTroubles([SOUND])).toEqual([])
})

test('A that is more than a fifth slower than beside a burner breaks S7', () => {
  expect(broken({ storedMs: ms(49) })).toEqual(['S7'])
  expect(broken({ storedMs: [] })).toEqual(['S7'])
})

test('threads that do not come up are handed upwards, and no loop turns without a pause', () => {
  expect(broken({ supervisorStarts: 0 })).toEqual(['held'])
  expect(broken({ supervisorStarts: 0, way: 'loop' })).toEqual([])
  expect(broken({ threadStarts: 60 })).toEqual(['held'])
})

test('C that stays away is not mended', () => {
  expect(broken({ backMs: undefined })).toEqual(['mended'])
})

test('few jobs of A prove little', () => {
  expect(weaknessesOfTroubles([{ ...SOUND, storedMs: SOUND.storedMs.slice(0, 499) }])).toHaveLength(1)
})

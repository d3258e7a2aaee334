import { expect, test } from 'vitest'
import { poisonedThreads } from '../../../bench/chaos/poison.ts'
import { brokenIn, CHAOS_TIMEOUT_MS, chaosDirectories, runChaos } from '../../support/chaos.ts'

const freshDirectory = chaosDirectories()

test(
  'a node that charges innocents, and forgets what its dead died of, keeps its promises but for that',
  async () => {
    const run = await runChaos(poisonedThreads, freshDirectory(), {
      sabotage: 'wrong-blame',
      acceptedMin: 60,
    })
    expect(brokenIn(run)).toEqual(['innocents', 'poison'])
  },
  CHAOS_TIMEOUT_MS,
)

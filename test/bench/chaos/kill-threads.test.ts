import { expect, test } from 'vitest'
import { killActors } from '../../../bench/chaos/kill-actors.ts'
import { killThreads } from '../../../bench/chaos/kill-threads.ts'
import { brokenIn, CHAOS_TIMEOUT_MS, chaosDirectories, runChaos } from '../../support/chaos.ts'

const freshDirectory = chaosDirectories()

test(
  'a sound node survives its actors',
  async () => {
    const { judgements } = await runChaos(killActors, freshDirectory(), { share: 0.1 })
    expect(judgements.flatMap(({ offences }) => offences)).toEqual([])
  },
  CHAOS_TIMEOUT_MS,
)

test(
  'a node that buries jobs breaks S3, and nothing else breaks with its threads',
  async () => {
    const run = await runChaos(killThreads, freshDirectory(), { sabotage: 'buried-job', how: 'kill' })
    expect(brokenIn(run)).toEqual(['S3'])
  },
  CHAOS_TIMEOUT_MS,
)

test(
  'a node that ends is not alive',
  async () => {
    const run = await runChaos(killThreads, freshDirectory(), { sabotage: 'own-end', how: 'kill' })
    expect(brokenIn(run)).toEqual(['alive'])
  },
  CHAOS_TIMEOUT_MS,
)

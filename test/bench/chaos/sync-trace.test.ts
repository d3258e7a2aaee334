import { describe, expect, test } from 'vitest'
import { hasStrace, syncTrace } from '../../../bench/chaos/sync-trace.ts'
import { brokenIn, CHAOS_TIMEOUT_MS, chaosDirectories, runChaos } from '../../support/chaos.ts'

const freshDirectory = chaosDirectories()

describe.skipIf(!hasStrace())('by strace', () => {
  test(
    'each 202 of a sound node leaves after the sync of its job',
    async () => {
      const { judgements, weaknesses } = await runChaos(syncTrace, freshDirectory())
      expect(judgements.flatMap(({ offences }) => offences)).toEqual([])
      expect(judgements).toHaveLength(1)
      expect(weaknesses).toEqual([])
    },
    CHAOS_TIMEOUT_MS,
  )

  test(
    'a log that is not synced breaks S1',
    async () => {
      const run = await runChaos(syncTrace, freshDirectory(), { sabotage: 'no-sync' })
      expect(brokenIn(run)).toEqual(['S1 by strace'])
    },
    CHAOS_TIMEOUT_MS,
  )
})

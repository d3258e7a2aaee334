import { expect, test } from 'vitest'
import { stopNode, stopping } from '../../../bench/chaos/stop-node.ts'
import { brokenIn, CHAOS_TIMEOUT_MS, chaosDirectories, runChaos } from '../../support/chaos.ts'

const freshDirectory = chaosDirectories()

test(
  'a sound node stops in order',
  async () => {
    const { judgements, weaknesses } = await runChaos(stopNode, freshDirectory())
    expect(judgements.flatMap(({ offences }) => offences)).toEqual([])
    expect(judgements.map(({ promise }) => promise)).toEqual(['L3', 'S1', 'S2', 'S3', 'S4', 'S5'])
    expect(weaknesses).toEqual([])
  },
  CHAOS_TIMEOUT_MS,
)

test.each([
  ['with requests half sent', stopNode],
  ['with whole ones only', stopping(() => 0)],
])(
  'a node that leaves its requests without an answer breaks L3, %s',
  async (_, scenario) => {
    const run = await runChaos(scenario, freshDirectory(), { sabotage: 'abrupt-stop' })
    expect(brokenIn(run)).toContain('L3')
  },
  CHAOS_TIMEOUT_MS,
)

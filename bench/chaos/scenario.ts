import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { How } from '../../actors/inspector/kill.ts'
import type { Judgement } from './judge.ts'

/** What a scenario is told and what it finds out. It has a directory of its own, which is kept when a promise is broken. */
export interface ScenarioOptions {
  seed: number
  rounds: number
  directory: string
  /** The module that starts a node, and its arguments; the product's by default, a sabotaged one in tests of the judges. */
  entry?: readonly string[]
  /** Accepted jobs in a round, at the least. */
  acceptedMin?: number
  /** Of what can be killed, so much in each round; where a scenario takes it. */
  share?: number
  /** How what is killed ends; where a scenario takes it. */
  how?: How | 'mixed'
  /** A line for whoever watches. */
  say(line: string): void
}

export interface ScenarioResult {
  judgements: readonly Judgement[]
  /** Why the run proves less than it should; none when it was hard enough. */
  weaknesses: readonly string[]
}

export type Scenario = (options: ScenarioOptions) => Promise<ScenarioResult>

/** One scenario after the other, each in a directory of its own. */
export const inTurn =
  (...scenarios: readonly Scenario[]): Scenario =>
  async (options) => {
    const results: ScenarioResult[] = []
    for (const [i, scenario] of scenarios.entries()) {
      const directory = join(options.directory, String(i + 1))
      mkdirSync(directory)
      results.push(await scenario({ ...options, directory }))
    }
    return {
      judgements: results.flatMap(({ judgements }) => judgements),
      weaknesses: results.flatMap(({ weaknesses }) => weaknesses),
    }
  }

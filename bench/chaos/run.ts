import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { How } from '../../actors/inspector/kill.ts'
import { exitOnSignals } from '../load/exit-on-signals.ts'
import { bulkhead, bulkheadSmall } from './bulkhead.ts'
import { crashNode } from './crash-node.ts'
import { damagedFiles } from './damaged-files.ts'
import { fullDisk } from './full-disk.ts'
import type { Judgement } from './judge.ts'
import { ACTOR_HOWS, killActors } from './kill-actors.ts'
import { killLeaks } from './kill-leaks.ts'
import { killThreads, THREAD_HOWS } from './kill-threads.ts'
import { killToServing } from './kill-to-serving.ts'
import { poison } from './poison.ts'
import { inTurn, type Scenario, type ScenarioResult } from './scenario.ts'
import { stopNode } from './stop-node.ts'
import { syncTrace } from './sync-trace.ts'

/**
 * `npm run chaos -- NAME [--seed N] [--rounds N] …`: does something bad to a node under load and judges what it promised,
 * one line per promise. Exit code 0 when all hold; 1 when one is broken, or when the run was too weak to tell; 2 for a
 * wrong command; 3 when the scenario itself failed. The seed decides what is sent and when the bad thing happens, as far as the machine's timing lets it.
 */
interface Entry {
  run: Scenario
  rounds: number
  /** The values of `--how`, where it is taken. */
  hows?: readonly How[]
}

const SCENARIOS: Readonly<Record<string, Entry>> = {
  'crash-node': { run: inTurn(syncTrace, crashNode), rounds: 20 },
  'stop-node': { run: stopNode, rounds: 20 },
  'full-disk': { run: fullDisk, rounds: 6 },
  'damaged-files': { run: damagedFiles, rounds: 12 },
  'sync-trace': { run: syncTrace, rounds: 1 },
  'kill-threads': { run: killThreads, rounds: 20, hows: THREAD_HOWS },
  'kill-actors': { run: killActors, rounds: 3, hows: ACTOR_HOWS },
  'kill-to-serving': { run: killToServing, rounds: 200 },
  poison: { run: poison, rounds: 2 },
  bulkhead: { run: bulkhead, rounds: 5 },
  'bulkhead-small': { run: bulkheadSmall, rounds: 5 },
  'kill-leaks': { run: killLeaks, rounds: 2_000, hows: THREAD_HOWS },
}

const EXIT = { holds: 0, broken: 1, usage: 2, noVerdict: 3 }
const OFFENCES_SHOWN = 5

interface Command {
  scenario: Scenario
  name: string
  seed: number
  rounds: number
  share?: number
  how?: How | 'mixed'
}

function commandOf(args: readonly string[]): Command | string {
  const names = Object.keys(SCENARIOS).join(', ')
  let parsed: ReturnType<typeof parse>
  try {
    parsed = parse(args)
  } catch (error) {
    return (error as Error).message
  }
  const { values, positionals } = parsed
  const [name = '', ...others] = positionals
  const scenario = Object.hasOwn(SCENARIOS, name) ? SCENARIOS[name] : undefined
  if (!scenario || others.length > 0) return `NAME must be one of ${names}`
  if (values.backend === 'real') return '--backend real comes with Kafka, Redis and PostgreSQL: use embedded'
  if (values.backend !== 'embedded') return `--backend ${values.backend} is neither embedded nor real`
  const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
  if (!Number.isInteger(seed) || seed < 0) return `--seed ${values.seed} must be a whole number`
  const rounds = values.rounds === undefined ? scenario.rounds : Number(values.rounds)
  if (!Number.isInteger(rounds) || rounds < 1)
    return `--rounds ${values.rounds} must be a whole number from 1 up`
  const command = { name, scenario: scenario.run, seed, rounds }
  if (values.share === undefined && values.how === undefined) return command
  if (!scenario.hows) return `${name} takes neither --share nor --how`
  const share = values.share === undefined ? undefined : Number(values.share)
  if (share !== undefined && !(share > 0 && share <= 1))
    return `--share ${values.share} must be above 0, and 1 at most`
  const how = ([...scenario.hows, 'mixed'] as const).find((one) => one === values.how)
  if (values.how !== undefined && how === undefined)
    return `--how ${values.how} must be one of ${scenario.hows.join(', ')}, mixed`
  return { ...command, ...(share !== undefined && { share }), ...(how !== undefined && { how }) }
}

const parse = (args: readonly string[]) =>
  parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seed: { type: 'string' },
      rounds: { type: 'string' },
      share: { type: 'string' },
      how: { type: 'string' },
      backend: { type: 'string', default: 'embedded' },
    },
  })

async function run({ name, scenario, ...options }: Command): Promise<number> {
  const { seed, rounds } = options
  const directory = mkdtempSync(join(tmpdir(), 'spillway-chaos-'))
  console.log(`${name}: ${rounds} rounds, seed ${seed}`)
  const startedAt = performance.now()
  const say = (line: string): void => console.log(line)
  let result: ScenarioResult
  try {
    result = await scenario({ ...options, directory, say })
  } catch (cause) {
    console.error(`no verdict: ${(cause as Error).message}`)
    console.error(`seed ${seed}; kept for a look: ${directory}`)
    return EXIT.noVerdict
  }
  const { judgements, weaknesses } = result
  console.log('')
  for (const judgement of judgements) console.log(lineOf(judgement))
  for (const weakness of weaknesses) console.log(`too weak: ${weakness}`)
  const isBroken = judgements.some(({ offences }) => offences.length > 0)
  console.log(`seed ${seed}, ${((performance.now() - startedAt) / 1000).toFixed(0)} s`)
  if (isBroken) console.log(`kept for a look: ${directory} (data of the node, ledger of the client)`)
  else rmSync(directory, { recursive: true })
  return isBroken || weaknesses.length > 0 ? EXIT.broken : EXIT.holds
}

function lineOf({ promise, summary, offences }: Judgement): string {
  if (offences.length === 0) return `${promise} holds: ${summary}`
  const shown = offences.slice(0, OFFENCES_SHOWN).map((offence) => `\n    ${offence}`)
  const rest = offences.length - shown.length
  const more = rest > 0 ? `\n    and ${rest} more` : ''
  return `${promise} is BROKEN, ${offences.length} times: ${summary}${shown.join('')}${more}`
}

const USAGE = `usage: npm run chaos -- NAME [--seed N] [--rounds N] [--backend embedded]
  kill-threads (--share 0.3), kill-leaks: --how ${THREAD_HOWS.join('|')}|mixed
  kill-actors (--share 1): --how ${ACTOR_HOWS.join('|')}|mixed`

const command = commandOf(process.argv.slice(2))
if (typeof command === 'string') {
  console.error(`${USAGE}\n${command}`)
  process.exit(EXIT.usage)
}
exitOnSignals()
process.exit(await run(command))

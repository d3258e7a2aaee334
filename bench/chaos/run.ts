import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { exitOnSignals } from '../load/exit-on-signals.ts'
import { crashNode } from './crash-node.ts'
import { damagedFiles } from './damaged-files.ts'
import { fullDisk } from './full-disk.ts'
import type { Judgement } from './judge.ts'
import { inTurn, type Scenario, type ScenarioResult } from './scenario.ts'
import { stopNode } from './stop-node.ts'
import { syncTrace } from './sync-trace.ts'

/**
 * `npm run chaos -- NAME [--seed N] [--rounds N]`: does something bad to a node under load and judges what it promised,
 * one line per promise. Exit code 0 when all hold; 1 when one is broken, or when the run was too weak to tell; 2 for a
 * wrong command; 3 when the scenario itself failed. The seed decides what is sent and when the bad thing happens, as far as the machine's timing lets it.
 */
const SCENARIOS: Readonly<Record<string, { run: Scenario; rounds: number }>> = {
  'crash-node': { run: inTurn(syncTrace, crashNode), rounds: 20 },
  'stop-node': { run: stopNode, rounds: 20 },
  'full-disk': { run: fullDisk, rounds: 6 },
  'damaged-files': { run: damagedFiles, rounds: 12 },
  'sync-trace': { run: syncTrace, rounds: 1 },
}

const EXIT = { holds: 0, broken: 1, usage: 2, noVerdict: 3 }
const OFFENCES_SHOWN = 5

interface Command {
  scenario: Scenario
  name: string
  seed: number
  rounds: number
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
  return { name, scenario: scenario.run, seed, rounds }
}

const parse = (args: readonly string[]) =>
  parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seed: { type: 'string' },
      rounds: { type: 'string' },
      backend: { type: 'string', default: 'embedded' },
    },
  })

async function run({ name, scenario, seed, rounds }: Command): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), 'spillway-chaos-'))
  console.log(`${name}: ${rounds} rounds, seed ${seed}`)
  const startedAt = performance.now()
  const say = (line: string): void => console.log(line)
  let result: ScenarioResult
  try {
    result = await scenario({ seed, rounds, directory, say })
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

const command = commandOf(process.argv.slice(2))
if (typeof command === 'string') {
  const usage = 'usage: npm run chaos -- NAME [--seed N] [--rounds N] [--backend embedded]'
  console.error(`${usage}\n${command}`)
  process.exit(EXIT.usage)
}
exitOnSignals()
process.exit(await run(command))

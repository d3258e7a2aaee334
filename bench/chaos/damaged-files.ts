import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { dataDirIn } from '../load/node.ts'
import { Random } from '../load/random.ts'
import { DAMAGES, type Damage } from './damages.ts'
import { judgeDrained, merged, readImage } from './evidence.ts'
import { type Fate, offenceOf } from './fate.ts'
import { inFlight } from './in-flight.ts'
import type { Judgement } from './judge.ts'
import { acceptedIds, Ledger } from './ledger.ts'
import { type Killed, loadAndKill, ranUntilKilled } from './load-and-kill.ts'
import { drained, lookUpSettled } from './look-ups.ts'
import { NodeProcess } from './node-process.ts'
import type { ScenarioOptions, ScenarioResult } from './scenario.ts'
import { Sender } from './sender.ts'
import { type ChaosJob, Workload } from './workload.ts'

/**
 * A file of a node that was killed with work under way is damaged, and the node started again, round after round, each with
 * another damage (`damages.ts`):
 *
 *     load ─► kill -9 ─► back-up ─► damage ─► start: either refused by name, or sound, with every accepted job
 *     ─► the documented repair, the back-up restored ─► start ─► the backlog is worked off ─► next round
 *
 * In the end every accepted job is looked up, the node stops in order, and its disk is judged: the repair lost nothing.
 */
const RATE_PER_SECOND = 4_000
const ACCEPTED_MIN = 500
const SETTLE_MS_MAX = 30_000
const COULD_NOT_START = 71

export async function damagedFiles(options: ScenarioOptions): Promise<ScenarioResult> {
  const { seed, rounds, directory, entry, acceptedMin = ACCEPTED_MIN, say } = options
  const dataDir = dataDirIn(directory)
  const backup = join(directory, 'backup')
  const random = new Random(seed)
  const ledger = new Ledger()
  const sender = new Sender({ workload: new Workload(seed), ledger, seed })
  const weaknesses: string[] = []
  const offences: string[] = []
  const kills: Killed[] = []
  const counts = { refused: 0, sound: 0 }
  const start = (): Promise<NodeProcess> => NodeProcess.start({ dataDir, ...(entry ? { entry } : {}) })

  let node = await start()
  try {
    for (let round = 1; round <= rounds; round++) {
      const damage = DAMAGES[(round - 1) % DAMAGES.length] as Damage
      const kill = {
        node,
        sender,
        round,
        ratePerSecond: RATE_PER_SECOND,
        killAt: acceptedMin,
        killAfterMs: 0,
      }
      const killed = await loadAndKill(kill)
      const { accepted } = killed
      kills.push(killed)
      if (accepted < acceptedMin)
        weaknesses.push(`round ${round}: only ${accepted} of ${acceptedMin} jobs accepted`)
      const { unanswered, unstored } = inFlight(ledger, await readImage(dataDir), round)
      if (unanswered + unstored === 0)
        weaknesses.push(`round ${round}: nothing was in flight at the kill: the damage met a node at rest`)
      copy(dataDir, backup)
      damage.do(dataDir, random)
      const found = await startDamaged(start, damage, ledger)
      counts[found.how]++
      offences.push(...found.offences.map((offence) => `round ${round}, ${damage.name}: ${offence}`))
      say(
        `round ${round}: ${accepted} accepted; ${damage.name}: ${found.how}${found.offences.length > 0 ? ', WRONG' : ''}`,
      )
      copy(backup, dataDir)
      node = await start()
      await sender.again(node.httpPort, round)
      await drained(node.operationsPort)
    }
    if (counts.refused === 0) weaknesses.push('no damage was refused: take more rounds, each has another')
    const damaged: Judgement = {
      promise: 'damage',
      summary: `${counts.refused} starts refused by name, ${counts.sound} sound with every accepted job`,
      offences,
    }
    return {
      judgements: merged([damaged, ranUntilKilled(kills), ...(await judgeDrained(node, ledger))]),
      weaknesses,
    }
  } finally {
    await node.end()
    ledger.write(join(directory, 'ledger.ndjson'))
  }
}

interface Found {
  how: 'refused' | 'sound'
  offences: string[]
}

/** Either the node says what is wrong and what to do, or it has every job that was accepted. */
async function startDamaged(
  start: () => Promise<NodeProcess>,
  { part }: Damage,
  ledger: Ledger,
): Promise<Found> {
  let node: NodeProcess
  try {
    node = await start()
  } catch (error) {
    return { how: 'refused', offences: refusalOffences((error as Error).message, part) }
  }
  try {
    const left = await drained(node.operationsPort)
    const jobs = ledger.entries.flatMap(({ job, verdicts }) =>
      acceptedIds({ job, verdicts }).map((id) => ({ id, apiKey: job.apiKey, job })),
    )
    const fates = await lookUpSettled(node.httpPort, jobs, SETTLE_MS_MAX)
    return {
      how: 'sound',
      offences: [
        ...(left > 0 ? [`${left} jobs of the log are left, and nothing moves`] : []),
        ...fateOffences(jobs, fates),
      ],
    }
  } catch (error) {
    return { how: 'sound', offences: [`it started, and then: ${(error as Error).message}`] }
  } finally {
    await node.end()
  }
}

/** A damage that costs any job costs many: one sentence for all, about the first. */
export function fateOffences(
  jobs: readonly { id: string; job: Pick<ChaosJob, 'isDoomed' | 'kind'> }[],
  fates: ReadonlyMap<string, Fate>,
): string[] {
  const wrong = jobs.flatMap(({ id, job }) => {
    const fate = fates.get(id) ?? { state: undefined, errorCode: undefined }
    const offence = offenceOf(job, fate, 'not found')
    return offence ? [`${id} ${offence}`] : []
  })
  const [first] = wrong
  return first ? [`it started, but ${wrong.length} accepted jobs are not as they should be: ${first}`] : []
}

/** `said`: how it ended, and all that it wrote. */
export function refusalOffences(said: string, part: Damage['part']): string[] {
  return [
    ...(said.includes(`ended with ${COULD_NOT_START} `) ? [] : [`it did not end with ${COULD_NOT_START}`]),
    ...(new RegExp(`could not start: .*/${part}\\b`).test(said) ? [] : ['it does not name what is damaged']),
    ...(/[Rr]estore .*backup/.test(said) ? [] : ['it does not say what to do']),
  ].map((offence) => `${offence}: ${said.slice(0, 400)}`)
}

function copy(from: string, to: string): void {
  for (const part of ['log', 'postgres']) {
    rmSync(join(to, part), { recursive: true, force: true })
    cpSync(join(from, part), join(to, part), { recursive: true, preserveTimestamps: true })
  }
}

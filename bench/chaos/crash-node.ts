import { join } from 'node:path'
import { dataDirIn } from '../load/node.ts'
import { Random } from '../load/random.ts'
import { briefly, foundAt, isBroken, judgeDrained, merged, readImage, recovered } from './evidence.ts'
import type { Facts } from './facts.ts'
import { inFlight } from './in-flight.ts'
import { type Judgement, judge } from './judge.ts'
import { Ledger } from './ledger.ts'
import { type Killed, loadAndKill, ranUntilKilled } from './load-and-kill.ts'
import { drained } from './look-ups.ts'
import { NodeProcess } from './node-process.ts'
import type { ScenarioOptions, ScenarioResult } from './scenario.ts'
import { Sender } from './sender.ts'
import { Workload } from './workload.ts'

/**
 * A node is killed under load and started again on what it left, round after round. In each round:
 *
 *     load ─► kill -9 at a seeded instant ─► the disk is judged as it is ─► start ─► what has no answer, and some of
 *     the accepted jobs, are sent again ─► the backlog is worked off ─► next round, on the same node
 *
 * In the end every job is looked up, the node stops in order, and its disk is judged once more. A broken promise ends the
 * run: its directory is left as it was found.
 *
 * In flight at the kill is what only a promise keeps alive: requests that were sent and not answered, and accepted jobs
 * that are not in the job table yet.
 */
const ACCEPTED_MIN = 500
const IN_FLIGHT_MIN = 50
const RATE_PER_SECOND = 4_000
const KILL_AFTER_MS_MAX = 20

export async function crashNode(options: ScenarioOptions): Promise<ScenarioResult> {
  const { seed, rounds, directory, entry, acceptedMin = ACCEPTED_MIN, say } = options
  const dataDir = dataDirIn(directory)
  const random = new Random(seed)
  const ledger = new Ledger()
  const sender = new Sender({ workload: new Workload(seed), ledger, seed })
  const judgements: Judgement[] = []
  const kills: Killed[] = []
  const hardships: Hardship[] = []
  const left: number[] = []
  const start = (): Promise<NodeProcess> => NodeProcess.start({ dataDir, ...(entry ? { entry } : {}) })

  let node = await start()
  try {
    for (let round = 1; round <= rounds; round++) {
      const killAt = acceptedMin + random.below(acceptedMin)
      const killAfterMs = random.next() * KILL_AFTER_MS_MAX
      const kill = { node, sender, round, ratePerSecond: RATE_PER_SECOND, killAt, killAfterMs }
      const killed = await loadAndKill(kill)
      const { accepted } = killed
      kills.push(killed)
      const facts = await readImage(dataDir)
      const found = judge(ledger.entries, facts, { when: 'crashed' })
      judgements.push(...foundAt(`after the kill of round ${round}`, found))
      const { unanswered, unstored } = inFlight(ledger, facts, round)
      const refused = ledger.refusedIn(round)
      const twice = deliveredTwice(facts)
      hardships.push({ round, accepted, inFlight: unanswered + unstored, twice })
      if (isBroken([ranUntilKilled(kills), ...found])) break
      node = await start()
      const again = await sender.again(node.httpPort, round)
      left.push(await drained(node.operationsPort))
      say(
        `round ${round}: ${accepted} accepted, ${refused} refused; killed with ${unanswered} unanswered, ${unstored} not stored, ${twice} to be delivered twice; ${again} sent again; ${briefly(found)}`,
      )
    }
    if (!isBroken([ranUntilKilled(kills), ...judgements]))
      judgements.push(...(await judgeDrained(node, ledger)))
  } finally {
    await node.end()
    ledger.write(join(directory, 'ledger.ndjson'))
  }
  const all = merged([recovered(left), ranUntilKilled(kills), ...judgements])
  return { judgements: all, weaknesses: weaknessesOf(hardships, acceptedMin) }
}

/** How hard a kill was on the node. */
export interface Hardship {
  round: number
  accepted: number
  inFlight: number
  /** Stored jobs that will be delivered once more. */
  twice: number
}

/** What a run does not prove for want of hardship. Pure. */
export function weaknessesOf(hardships: readonly Hardship[], acceptedMin: number): string[] {
  return [
    ...hardships.flatMap(({ round, accepted, inFlight }) => [
      ...(accepted < acceptedMin ? [`round ${round}: only ${accepted} of ${acceptedMin} jobs accepted`] : []),
      ...(inFlight < IN_FLIGHT_MIN
        ? [`round ${round}: only ${inFlight} of ${IN_FLIGHT_MIN} jobs in flight at the kill`]
        : []),
    ]),
    ...(hardships.every(({ twice }) => twice === 0)
      ? ['no stored job was delivered again: S2 was not put to the test']
      : []),
  ]
}

/** Stored already, but above the committed offset: the log brings them once more. */
function deliveredTwice({ records, offsets, rows }: Facts): number {
  const stored = new Set(rows.map(({ id }) => id))
  const committed = new Map(
    offsets.map(({ lane, partition, committed }) => [`${lane}/${partition}`, committed]),
  )
  return records.filter(
    ({ id, lane, partition, offset }) =>
      offset >= (committed.get(`${lane}/${partition}`) ?? 0) && stored.has(id),
  ).length
}

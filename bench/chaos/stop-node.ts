import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { dataDirIn } from '../load/node.ts'
import { Random } from '../load/random.ts'
import { BegunRequests } from './begun-requests.ts'
import { briefly, foundAt, isBroken, judgeDrained, merged, readImage } from './evidence.ts'
import { type Judgement, judge } from './judge.ts'
import { Ledger } from './ledger.ts'
import { NodeProcess } from './node-process.ts'
import type { Scenario, ScenarioOptions, ScenarioResult } from './scenario.ts'
import { Sender } from './sender.ts'
import { IN_FLIGHT_MIN, judgeStop, judgeStops, type Stop } from './stop-judge.ts'
import { Workload } from './workload.ts'

/**
 * A node is told to stop under load (SIGTERM), round after round on one data directory; clients go on as if nothing was,
 * and some have sent half of a request when the signal comes. `stop-judge.ts` says what it owes them.
 */
const ACCEPTED_MIN = 500
/** Between these, by round: with most connections busy at the signal, and with most of them idle. */
const RATE_PER_SECOND = { min: 1_000, max: 3_000 }
const LOAD_MS_MAX = 30_000
/** In every other round: as long as one of them is awaited, the node tells all its clients that it goes. */
const BEGUN = 10
/** How long the second halves keep the node waiting. */
const REST_AFTER_MS_MAX = 300

export const stopNode = stopping((round) => (round % 2 === 1 ? BEGUN : 0))

/** `begunIn`: how many requests are half sent at the signal of a round. */
export function stopping(begunIn: (round: number) => number): Scenario {
  return (options) => stopInTurn(options, begunIn)
}

async function stopInTurn(
  options: ScenarioOptions,
  begunIn: (round: number) => number,
): Promise<ScenarioResult> {
  const { seed, rounds, directory, entry, acceptedMin = ACCEPTED_MIN, say } = options
  const dataDir = dataDirIn(directory)
  const random = new Random(seed)
  const ledger = new Ledger()
  const workload = new Workload(seed)
  const sender = new Sender({ workload, ledger, seed })
  const judgements: Judgement[] = []
  const stops: Stop[] = []
  const weaknesses: string[] = []
  const start = (): Promise<NodeProcess> => NodeProcess.start({ dataDir, ...(entry ? { entry } : {}) })

  let node = await start()
  try {
    for (let round = 1; round <= rounds; round++) {
      const begun = await BegunRequests.send(node.httpPort, begunIn(round), workload)
      const finishBegun = (): Promise<void> => begun.finish(ledger, round)
      const run = await loadAndStop({ node, sender, finishBegun, round, acceptedMin, random })
      const facts = await readImage(dataDir)
      const stop = judgeStop({ round, ...run }, ledger.entries, facts)
      const found = [judgeStops([stop]), ...judge(ledger.entries, facts, { when: 'crashed' })]
      stops.push(stop)
      judgements.push(...foundAt(`after the stop of round ${round}`, found.slice(1)))
      if (run.accepted < acceptedMin)
        weaknesses.push(`round ${round}: only ${run.accepted} of ${acceptedMin} jobs accepted`)
      if (stop.inFlight < IN_FLIGHT_MIN)
        weaknesses.push(
          `round ${round}: only ${stop.inFlight} of ${IN_FLIGHT_MIN} requests in flight at the signal`,
        )
      say(
        `round ${round}: ${run.accepted} accepted, ${run.refused} refused; told to stop with ${stop.inFlight} in flight; ended with ${stop.exit} after ${stop.tookMs.toFixed(0)} ms; ${stop.notRead} requests not read; ${briefly(found)}`,
      )
      if (isBroken(found)) break
      node = await start()
      await sender.again(node.httpPort, round)
    }
    if (!isBroken([judgeStops(stops), ...judgements])) judgements.push(...(await judgeDrained(node, ledger)))
  } finally {
    await node.end()
    ledger.write(join(directory, 'ledger.ndjson'))
  }
  return { judgements: merged([judgeStops(stops), ...judgements]), weaknesses }
}

/** Load until the node is gone; the signal comes when it has accepted enough, and has something in flight. */
async function loadAndStop(given: {
  node: NodeProcess
  sender: Sender
  finishBegun(): Promise<void>
  round: number
  acceptedMin: number
  random: Random
}): Promise<{ exit: Stop['exit']; tookMs: number; inFlight: number; accepted: number; refused: number }> {
  const { node, sender, finishBegun, round, acceptedMin, random } = given
  const stopAt = acceptedMin + random.below(acceptedMin)
  const ratePerSecond = RATE_PER_SECOND.min + random.below(RATE_PER_SECOND.max - RATE_PER_SECOND.min)
  const restAfterMs = random.next() * REST_AFTER_MS_MAX
  let accepted = 0
  let refused = 0
  let stopped: Promise<Pick<Stop, 'exit' | 'tookMs' | 'inFlight'>> | undefined
  const stop = async (): Promise<Pick<Stop, 'exit' | 'tookMs' | 'inFlight'>> => {
    const stoppedAt = performance.now()
    const { inFlight } = sender
    const exit = await node.stop()
    return { exit, tookMs: performance.now() - stoppedAt, inFlight }
  }
  const begunFinished = node.says(/draining/).then(async () => {
    await wait(restAfterMs)
    await finishBegun()
  })
  await sender.load({
    port: node.httpPort,
    round,
    ratePerSecond,
    durationMs: LOAD_MS_MAX,
    onVerdict: ({ verdict }) => {
      if (verdict === 'refused') refused++
      if (verdict === 'accepted') accepted++
      if (accepted >= stopAt && sender.inFlight >= IN_FLIGHT_MIN) stopped ??= stop()
    },
  })
  // Too slow for the load: the round is weak then, and says so.
  stopped ??= stop()
  await begunFinished
  return { ...(await stopped), accepted, refused }
}

import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { Random } from '../load/random.ts'
import { BegunRequests } from './begun-requests.ts'
import { briefly, foundAt, isBroken, judgeDrained, merged, readImage } from './evidence.ts'
import { type Judgement, judge } from './judge.ts'
import { Ledger } from './ledger.ts'
import { dataDirIn, NodeProcess } from './node-process.ts'
import type { ScenarioOptions, ScenarioResult } from './scenario.ts'
import { Sender } from './sender.ts'
import { judgeStop, judgeStops, type Stop } from './stop-judge.ts'
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

export async function stopNode(options: ScenarioOptions): Promise<ScenarioResult> {
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
      const begun = await BegunRequests.send(node.httpPort, round % 2 === 1 ? BEGUN : 0, workload)
      const finishBegun = (): Promise<void> => begun.finish(ledger, round)
      const run = await loadAndStop({ node, sender, finishBegun, round, acceptedMin, random })
      const facts = await readImage(dataDir)
      const stop = judgeStop({ round, ...run }, ledger.entries, facts)
      const found = [judgeStops([stop]), ...judge(ledger.entries, facts, { when: 'crashed' })]
      stops.push(stop)
      judgements.push(...foundAt(`after the stop of round ${round}`, found.slice(1)))
      if (run.accepted < acceptedMin)
        weaknesses.push(`round ${round}: only ${run.accepted} of ${acceptedMin} jobs accepted`)
      say(
        `round ${round}: ${run.accepted} accepted, ${run.refused} refused; ended with ${stop.exit} after ${stop.tookMs.toFixed(0)} ms; ${stop.notRead} requests not read; ${briefly(found)}`,
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

/** Load until the node is gone; the signal comes when it has accepted enough. */
async function loadAndStop(given: {
  node: NodeProcess
  sender: Sender
  finishBegun(): Promise<void>
  round: number
  acceptedMin: number
  random: Random
}): Promise<{ exit: Stop['exit']; tookMs: number; accepted: number; refused: number }> {
  const { node, sender, finishBegun, round, acceptedMin, random } = given
  const stopAt = acceptedMin + random.below(acceptedMin)
  const ratePerSecond = RATE_PER_SECOND.min + random.below(RATE_PER_SECOND.max - RATE_PER_SECOND.min)
  const restAfterMs = random.next() * REST_AFTER_MS_MAX
  let accepted = 0
  let refused = 0
  let stoppedAt: number | undefined
  const stop = (): void => {
    stoppedAt ??= performance.now()
    node.signal('SIGTERM')
  }
  const begunFinished = node.says(/draining/).then(async () => {
    await wait(restAfterMs)
    await finishBegun()
  })
  const ended = node.ended.then((exit) => ({ exit, tookMs: performance.now() - (stoppedAt ?? 0) }))
  await sender.load({
    port: node.httpPort,
    round,
    ratePerSecond,
    durationMs: LOAD_MS_MAX,
    onVerdict: ({ verdict }) => {
      if (verdict === 'refused') refused++
      if (verdict === 'accepted' && ++accepted === stopAt) stop()
    },
  })
  // Too slow for the load: the round is weak then, and says so.
  if (stoppedAt === undefined) stop()
  await begunFinished
  return { ...(await ended), accepted, refused }
}

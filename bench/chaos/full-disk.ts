import { cpSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { dataDirIn } from '../load/node.ts'
import { Random } from '../load/random.ts'
import { isBroken, judgeDrained, merged } from './evidence.ts'
import { type FullDisk, judgeFullDisks, saysFull } from './full-disk-judge.ts'
import { Ledger, type Verdict } from './ledger.ts'
import { NodeProcess } from './node-process.ts'
import type { ScenarioOptions, ScenarioResult } from './scenario.ts'
import { Sender } from './sender.ts'
import { SmallDisk } from './small-disk.ts'
import { Workload } from './workload.ts'

/**
 * The disk of a node fills up under load, and gets free again, round after round and without a restart:
 *
 *     load ─► the disk is filled at a seeded instant, but for a seeded rest, so that now the log and now the database is
 *     the first to want for it ─► full for a while ─► freed ─► the node takes jobs again by itself ─► next round
 *
 * In the end every accepted job is looked up, the node stops in order, and its disk is judged. Unless all is well, the data
 * is copied off the small disk, which is gone afterwards.
 */
const DISK_MIB = 512
const RATE_PER_SECOND = 2_000
const ACCEPTED_MIN = 500
const FILL_AFTER_MS_MAX = 1_500
/** The database takes 16 MiB at once for its write-ahead log, the log 1 MiB. */
const LEAVE_BYTES_MAX = 20 * 1024 * 1024
const FULL_MS = 3_000
const REFUSALS_MIN = 500
const FULL_MS_MAX = 30_000
const RECOVERY_MS_MAX = 20_000
const POLL_MS = 20

export async function fullDisk(options: ScenarioOptions): Promise<ScenarioResult> {
  const { seed, rounds, directory, entry, acceptedMin = ACCEPTED_MIN, say } = options
  const random = new Random(seed)
  const ledger = new Ledger()
  const sender = new Sender({ workload: new Workload(seed), ledger, seed })
  const disk = SmallDisk.mount(join(directory, 'disk'), DISK_MIB)
  const found: FullDisk[] = []
  let node: NodeProcess | undefined
  let isSound = false
  const dataDir = dataDirIn(disk.path)
  try {
    node = await NodeProcess.start({ dataDir, ...(entry ? { entry } : {}) })
    for (let round = 1; round <= rounds; round++) {
      const run = await fillAndFree({ node, disk, sender, round, acceptedMin, random })
      found.push(run)
      say(
        `round ${round}: ${run.acceptedBefore} accepted; full with ${(run.leftBytes / 2 ** 20).toFixed(1)} MiB left: ${run.refusals.length} refused, ready ${run.readyWhenFull ? 'all the same' : 'no more'}; ${run.recoveredMs === undefined ? 'NOT RECOVERED' : `accepts again ${run.recoveredMs.toFixed(0)} ms after it was freed`}`,
      )
      if (run.recoveredMs === undefined) break
    }
    const full = judgeFullDisks(found)
    const isUp = found.every(({ recoveredMs }) => recoveredMs !== undefined)
    const judgements = isUp ? [...full, ...(await judgeDrained(node, ledger))] : full
    const weaknesses = found.flatMap(({ round, acceptedBefore, refusals }) => [
      ...(acceptedBefore < acceptedMin
        ? [`round ${round}: only ${acceptedBefore} of ${acceptedMin} jobs accepted`]
        : []),
      ...(refusals.length === 0 ? [`round ${round}: nothing was refused: the disk was not full`] : []),
    ])
    isSound = !isBroken(judgements)
    return { judgements: merged(judgements), weaknesses }
  } finally {
    await node?.end()
    ledger.write(join(directory, 'ledger.ndjson'))
    if (!isSound && existsSync(dataDir)) cpSync(dataDir, dataDirIn(directory), { recursive: true })
    disk.unmount()
  }
}

async function fillAndFree(given: {
  node: NodeProcess
  disk: SmallDisk
  sender: Sender
  round: number
  acceptedMin: number
  random: Random
}): Promise<FullDisk> {
  const { node, disk, sender, round, acceptedMin, random } = given
  const fillAfterMs = random.next() * FILL_AFTER_MS_MAX
  const leftBytes = random.below(LEAVE_BYTES_MAX)
  const over = new AbortController()
  const seen = { accepted: 0, unanswered: 0, refusals: [] as (Verdict & { verdict: 'refused' })[] }
  let lines = 0
  let isSaid = false
  const unhear = node.hear((line) => {
    lines++
    isSaid ||= saysFull(line)
  })
  const load = sender.load({
    port: node.httpPort,
    round,
    ratePerSecond: RATE_PER_SECOND,
    durationMs: Number.POSITIVE_INFINITY,
    signal: over.signal,
    onVerdict: (verdict) => {
      if (verdict.verdict === 'accepted') seen.accepted++
      else if (verdict.verdict === 'refused') seen.refusals.push(verdict)
      else seen.unanswered++
    },
  })
  try {
    await until(() => seen.accepted >= acceptedMin, FULL_MS_MAX)
    await wait(fillAfterMs)
    disk.fill(leftBytes)
    const acceptedBefore = seen.accepted
    await until(() => seen.refusals.length >= REFUSALS_MIN, FULL_MS_MAX)
    await wait(FULL_MS)
    const readyWhenFull = await isReady(node)
    disk.free()
    const freedAt = performance.now()
    const acceptedAtFree = seen.accepted
    const isBack = await until(
      async () => seen.accepted >= acceptedAtFree + acceptedMin && (await isReady(node)),
      RECOVERY_MS_MAX,
    )
    const recoveredMs = isBack ? performance.now() - freedAt : undefined
    const { refusals, unanswered } = seen
    return {
      round,
      leftBytes,
      acceptedBefore,
      refusals,
      unanswered,
      readyWhenFull,
      lines,
      isSaid,
      recoveredMs,
    }
  } finally {
    unhear()
    disk.free()
    over.abort()
    await load
  }
}

/** Whether it came true in time. */
async function until(condition: () => boolean | Promise<boolean>, timeoutMs: number): Promise<boolean> {
  const deadline = performance.now() + timeoutMs
  while (performance.now() < deadline) {
    if (await condition()) return true
    await wait(POLL_MS)
  }
  return false
}

/** A node that has ended is not. */
const isReady = (node: NodeProcess): Promise<boolean> =>
  fetch(`http://127.0.0.1:${node.operationsPort}/readyz`).then(
    ({ status }) => status === 200,
    () => false,
  )

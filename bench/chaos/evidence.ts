import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Facts, readFacts } from './facts.ts'
import { type Judgement, judge } from './judge.ts'
import { acceptedIds, type Ledger, type LedgerEntry } from './ledger.ts'
import { drained, lookUpSettled } from './look-ups.ts'
import type { NodeProcess } from './node-process.ts'

/** How scenarios come by what they judge: in the middle of a run, and at its end. */
const SETTLE_MS_MAX = 60_000
const SAID_CHARS = 600

/** Reads a copy, so that the next node finds the disk as the last one left it. */
export async function readImage(dataDir: string): Promise<Facts> {
  const image = `${dataDir}.image`
  for (const part of ['log', 'postgres'])
    cpSync(join(dataDir, part), join(image, part), { recursive: true, preserveTimestamps: true })
  try {
    return await readFacts(image)
  } finally {
    rmSync(image, { recursive: true })
  }
}

/** What a scenario judges beside the promises. Pure. */
export type Judge = (ledger: readonly LedgerEntry[], facts: Facts) => Judgement

/** Every accepted job is looked up until it is settled; then the node stops, in order (L3), and its disk is judged. */
export async function judgeDrained(
  node: NodeProcess,
  ledger: Ledger,
  judges: readonly Judge[] = [],
): Promise<Judgement[]> {
  const jobs = ledger.entries.flatMap((entry) =>
    acceptedIds(entry).map((id) => ({ id, apiKey: entry.job.apiKey })),
  )
  await drained(node.operationsPort)
  const answers = await lookUpSettled(node.httpPort, jobs, SETTLE_MS_MAX)
  const how = await node.stop()
  const facts = await readFacts(node.dataDir)
  const found = [
    ...judge(ledger.entries, facts, { when: 'drained', answers }),
    ...judges.map((judgeMore) => judgeMore(ledger.entries, facts)),
  ]
  if (how === 0) return found
  const offence = `the node that was to stop in the end ended with ${how}: ${node.output.slice(-SAID_CHARS)}`
  return [{ promise: 'L3', summary: 'told to stop, without load', offences: [offence] }, ...found]
}

/** L2: after each start the backlog is worked off without help. `left`: jobs left in the log, by start. */
export function recovered(left: readonly number[]): Judgement {
  const offences = left.flatMap((jobs, i) =>
    jobs > 0 ? [`start ${i + 1}: ${jobs} jobs of the log are left, and nothing moves`] : [],
  )
  return { promise: 'L2', summary: `${left.length} starts on a backlog, each worked it off`, offences }
}

/** Says of each offence when it was found. */
export const foundAt = (moment: string, judgements: readonly Judgement[]): Judgement[] =>
  judgements.map((judgement) => ({
    ...judgement,
    offences: judgement.offences.map((offence) => `${moment}: ${offence}`),
  }))

/** One judgement per promise out of those of many moments: the offences of all, the summary of the last. */
export function merged(judgements: readonly Judgement[]): Judgement[] {
  const byPromise = Map.groupBy(judgements, ({ promise }) => promise)
  return [...byPromise]
    .map(([promise, of]) => ({
      promise,
      summary: of.at(-1)?.summary ?? '',
      offences: [...new Set(of.flatMap(({ offences }) => offences))],
    }))
    .sort((a, b) => (a.promise < b.promise ? -1 : 1))
}

export const isBroken = (judgements: readonly Judgement[]): boolean =>
  judgements.some(({ offences }) => offences.length > 0)

/** `S1 S2 S4 S5 hold`, or which of them do not. */
export const briefly = (judgements: readonly Judgement[]): string => {
  const broken = judgements.filter(({ offences }) => offences.length > 0)
  const names = (of: readonly Judgement[]): string => of.map(({ promise }) => promise).join(' ')
  return broken.length > 0 ? `${names(broken)} BROKEN` : `${names(judgements)} hold`
}

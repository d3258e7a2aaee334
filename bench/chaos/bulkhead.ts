import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { cpuSecondsOf } from '../load/cpu-seconds.ts'
import { judgeBulkhead, type Trouble, weaknessesOfTroubles } from './bulkhead-judge.ts'
import { burn } from './burner.ts'
import { quantile } from './kills.ts'
import { acceptedIds } from './ledger.ts'
import { lookUpSettled } from './look-ups.ts'
import { type OneNode, onOneNode } from './one-node.ts'
import type { TreeNode } from './operations-port.ts'
import type { ScenarioOptions, ScenarioResult } from './scenario.ts'
import { SmallMachine } from './small-machine.ts'
import { SteadyLoad } from './steady-load.ts'

/**
 * Pool C is in trouble while A works at a steady rate, in each round in another way: its threads die of their jobs (an
 * exception out of a timer, a busy loop, an exhausted heap), or do not even come up.
 *
 *     A alone ─► C in trouble ─► C's handler mended: it does what it owes ─► A beside an unrelated process that burns as
 *     much CPU as C's trouble took, for as long
 *
 * What A is held against is the last: what C takes by burning cores, which all of the machine share, is no leak of its
 * bulkhead.
 */
const WAYS = ['boot', 'throw', 'loop', 'array', 'objects'] as const
const RATE_PER_SECOND = 400
const PHASE_MS = 8_000
/** At the beginning of each phase: what changes then is not measured. */
const WARM_UP_MS = 1_000
const TROUBLE_JOBS = 4
const TROUBLE_EVERY_MS = 500
const BACK_MS_MAX = 60_000
const TIMED_NODE = fileURLToPath(new URL('timed-node.ts', import.meta.url))

export const bulkhead = (options: ScenarioOptions): Promise<ScenarioResult> => inTrouble(options, [])

/** The same inside of 512 MiB and one core. */
export async function bulkheadSmall(options: ScenarioOptions): Promise<ScenarioResult> {
  const machine = SmallMachine.create({ memoryMib: 512, cores: 1 })
  try {
    return await inTrouble(options, machine.under)
  } finally {
    machine.remove()
  }
}

function inTrouble(options: ScenarioOptions, under: readonly string[]): Promise<ScenarioResult> {
  const { rounds, say, entry = [TIMED_NODE], directory } = options
  const workload = { withoutUpstreams: true, withFailures: false, stepShare: 0 }
  const broken = join(directory, 'broken')
  const env = { CHAOS_BROKEN_FILE: broken }
  return onOneNode({ ...options, entry }, { workload, under, env }, async (given) => {
    const found: Trouble[] = []
    const { random, judgements, weaknesses } = given
    let ways: (typeof WAYS)[number][] = []
    for (let round = 1; round <= rounds; round++) {
      if (ways.length === 0) ways = [...WAYS]
      const [way = 'throw'] = ways.splice(random.below(ways.length), 1)
      const calm = await phase(given, round)
      const files = { broken, mended: join(directory, `mended-${round}`) }
      const trouble = await inOneTrouble(given, round, way, files)
      const cores = Math.max(0, trouble.cores - calm.cores)
      const end = burn(cores)
      const beside = await phase(given, round).finally(end)
      const one = { ...trouble, cores, besideBurnerMs: beside.storedMs }
      found.push(one)
      const p99 = (values: readonly number[]): string => `${quantile(values, 0.99)} ms`
      say(
        `round ${round}: ${way}: A at p99 alone ${p99(calm.storedMs)}, beside C ${p99(one.storedMs)}, beside a burner of ${cores.toFixed(2)} cores ${p99(one.besideBurnerMs)}; C's threads started ${one.threadStarts} times, supervisors ${one.supervisorStarts}; ${one.backMs === undefined ? 'NOT BACK' : `back ${one.backMs.toFixed(0)} ms after it was mended`}`,
      )
    }
    judgements.push(...judgeBulkhead(found))
    weaknesses.push(...weaknessesOfTroubles(found))
  })
}

interface Phase {
  seconds: number
  cores: number
  storedMs: number[]
}

/** Load on A for a while, and whatever else happens meanwhile. */
async function phase(
  { node, sender }: OneNode,
  round: number,
  meanwhile?: () => Promise<void>,
): Promise<Phase> {
  const load = new SteadyLoad(node, sender, round, RATE_PER_SECOND)
  await wait(WARM_UP_MS)
  const from = { atMs: Date.now(), cpu: cpuSecondsOf(node.pid) }
  const endsAt = from.atMs + PHASE_MS
  await meanwhile?.()
  await wait(endsAt - Date.now())
  const cpuSeconds = cpuSecondsOf(node.pid) - from.cpu
  await load.stop()
  // What was accepted last is stored, and written down, by then.
  await wait(WARM_UP_MS)
  const seconds = PHASE_MS / 1000
  return { seconds, cores: cpuSeconds / seconds, storedMs: storedBetween(node.dataDir, from.atMs, endsAt) }
}

function storedBetween(dataDir: string, fromMs: number, toMs: number): number[] {
  const file = `${dataDir}.stored`
  if (!existsSync(file)) return []
  return readFileSync(file, 'utf8')
    .split('\n')
    .map((line) => line.split(' '))
    .filter(
      ([kind, acceptedAtMs]) =>
        kind === 'lead.qualify' && Number(acceptedAtMs) >= fromMs && Number(acceptedAtMs) < toMs,
    )
    .map(([, , storedAfterMs]) => Number(storedAfterMs))
}

async function inOneTrouble(
  given: OneNode,
  round: number,
  way: string,
  { broken, mended }: { broken: string; mended: string },
): Promise<Omit<Trouble, 'besideBurnerMs'>> {
  const { node, port, sender, ledger } = given
  const send = (count: number): Promise<unknown> =>
    sender.trouble(node.httpPort, round, { count, how: way === 'boot' ? 'throw' : way, mended })
  if (way === 'boot') writeFileSync(broken, '')
  await send(TROUBLE_JOBS)
  const before = await port.actors()
  const during = await phase(given, round, async () => {
    const endsAt = Date.now() + PHASE_MS - TROUBLE_EVERY_MS
    while (Date.now() < endsAt) {
      await send(1)
      await wait(TROUBLE_EVERY_MS)
    }
  })
  const after = await port.actors()
  const mendedAt = performance.now()
  writeFileSync(mended, '')
  rmSync(broken, { force: true })
  const owed = ledger.entries
    .filter(({ job }) => job.kind === 'chaos.trouble')
    .flatMap((entry) => acceptedIds(entry).map((id) => ({ id, apiKey: entry.job.apiKey })))
  let fates = await lookUpSettled(node.httpPort, owed, BACK_MS_MAX)
  // Those that only the log has are waited for as well.
  while (
    performance.now() - mendedAt < BACK_MS_MAX &&
    [...fates.values()].some(({ state }) => state !== 'done')
  ) {
    await wait(50)
    fates = await lookUpSettled(node.httpPort, owed, BACK_MS_MAX)
  }
  const isBack = owed.every(({ id }) => fates.get(id)?.state === 'done')
  return {
    round,
    way,
    ...during,
    threadStarts: startsOf(after, 'thread') - startsOf(before, 'thread'),
    supervisorStarts: startsOf(after, 'supervisor') - startsOf(before, 'supervisor'),
    backMs: isBack ? performance.now() - mendedAt : undefined,
  }
}

const startsOf = (actors: readonly TreeNode[], type: TreeNode['type']): number =>
  actors
    .filter((actor) => actor.type === type && actor.path.startsWith('/node/pools/pool-c'))
    .reduce((sum, { incarnation }) => sum + incarnation, 0)

import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { dataDirIn } from '../load/node.ts'
import { judgeDrained, merged } from './evidence.ts'
import type { Judgement } from './judge.ts'
import { acceptedIds, Ledger } from './ledger.ts'
import { drained, lookUpSettled } from './look-ups.ts'
import { NodeProcess } from './node-process.ts'
import { freePort, onOneNode } from './one-node.ts'
import { judgeBudgets, judgeInnocents, judgePoison } from './poison-judge.ts'
import { inTurn, type ScenarioOptions, type ScenarioResult } from './scenario.ts'
import { Sender } from './sender.ts'
import { SteadyLoad } from './steady-load.ts'
import { THREAD_POISONS, Workload, type WorkloadOptions } from './workload.ts'

/**
 * Among good jobs, one in a thousand is poison: it ends its thread, in each way that a handler can; or its process, which
 * is then started again as often as it ends. Of what is sent nothing else fails, so that every attempt beyond a first one
 * is one that was charged wrongly.
 */
const EVERY = 1_000
const RATE_PER_SECOND = 500
/** Some jobs are sent twice, and accepted twice. */
const SENT_TWICE = 1.1
const SETTLE_MS_MAX = 120_000
const JUDGES = [judgePoison, judgeInnocents]
const innocent: WorkloadOptions = { withoutUpstreams: true, withFailures: false, stepShare: 0.3 }

export const poison = inTurn(poisonedThreads, poisonedProcess)

/** In each round all the ways, once. */
export function poisonedThreads(options: ScenarioOptions): Promise<ScenarioResult> {
  const { rounds, acceptedMin = EVERY, say } = options
  const workload = { ...innocent, poison: { every: acceptedMin, ways: THREAD_POISONS } }
  return onOneNode(
    options,
    { workload, judges: JUDGES },
    async ({ node, port, sender, ledger, judgements }) => {
      for (let round = 1; round <= rounds; round++) {
        const load = new SteadyLoad(node, sender, round, RATE_PER_SECOND)
        // One more than it takes: jobs that are sent twice count twice.
        await load.until(acceptedMin * (THREAD_POISONS.length + 1))
        await load.stop()
        const startedAt = performance.now()
        await drained(node.operationsPort)
        const jobs = poisonsOf(ledger)
        const fates = await lookUpSettled(node.httpPort, jobs, SETTLE_MS_MAX)
        const dead = [...fates.values()].filter(({ state }) => state === 'dead').length
        say(
          `round ${round}: ${load.accepted} accepted, ${load.refused} refused; ${dead} of ${jobs.length} poisons dead, the last ${(performance.now() - startedAt).toFixed(0)} ms after the load`,
        )
      }
      judgements.push(judgeBudgets(await port.actors()))
    },
  )
}

const ENDS_PER_POISON_MAX = 10

/** In each round one at the least: what comes while the process is down waits, and may hold another. */
async function poisonedProcess(options: ScenarioOptions): Promise<ScenarioResult> {
  const { seed, rounds, directory, entry, acceptedMin = EVERY, say } = options
  const ledger = new Ledger()
  const workload = new Workload(seed, { ...innocent, poison: { every: acceptedMin, ways: ['end-process'] } })
  const sender = new Sender({ workload, ledger, seed })
  const ports = { http: await freePort(), operations: await freePort() }
  const runner = await Runner.start(
    () => NodeProcess.start({ dataDir: dataDirIn(directory), ports, ...(entry ? { entry } : {}) }),
    () => ENDS_PER_POISON_MAX * Math.max(1, poisonsOf(ledger).length),
  )
  const judgements: Judgement[] = []
  try {
    for (let round = 1; round <= rounds; round++) {
      const endsBefore = runner.ends
      const load = new SteadyLoad(runner.node, sender, round, RATE_PER_SECOND, { outlives: true })
      await load.until(acceptedMin * SENT_TWICE)
      await load.stop()
      await runner.until(async (node) => {
        await sender.again(node.httpPort, round)
        await drained(node.operationsPort)
        const fates = await lookUpSettled(node.httpPort, poisonsOf(ledger), SETTLE_MS_MAX)
        return [...fates.values()].every(({ state }) => state === 'dead')
      })
      say(
        `round ${round}: ${load.accepted} accepted, ${poisonsOf(ledger).length} poisons so far; the process ended ${runner.ends - endsBefore} times`,
      )
    }
    judgements.push(runner.judge())
    if (!runner.hasGivenUp) judgements.push(...(await judgeDrained(await runner.leave(), ledger, JUDGES)))
  } finally {
    const node = await runner.leave()
    await node.end()
    ledger.write(join(directory, 'ledger.ndjson'))
  }
  const weaknesses = runner.ends === 0 ? ['the process never ended: no poison was run'] : []
  return { judgements: merged(judgements), weaknesses }
}

const poisonsOf = ({ entries }: Ledger): { id: string; apiKey: string }[] =>
  entries
    .filter(({ job }) => job.poison)
    .flatMap((entry) => acceptedIds(entry).map((id) => ({ id, apiKey: entry.job.apiKey })))

/** Starts a node again whenever it ends, as whatever runs it in production does. */
class Runner {
  node: NodeProcess
  ends = 0
  readonly #start: () => Promise<NodeProcess>
  readonly #endsMax: () => number
  #isOver = false
  #running: Promise<void>

  private constructor(node: NodeProcess, start: () => Promise<NodeProcess>, endsMax: () => number) {
    this.node = node
    this.#start = start
    this.#endsMax = endsMax
    this.#running = this.#run()
  }

  static async start(start: () => Promise<NodeProcess>, endsMax: () => number): Promise<Runner> {
    return new Runner(await start(), start, endsMax)
  }

  /** The process ends more often than its poisons explain. */
  get hasGivenUp(): boolean {
    return this.ends > this.#endsMax()
  }

  /** Until it is true of a node that is up; what fails because the node ends meanwhile is tried again. */
  async until(holds: (node: NodeProcess) => Promise<boolean>): Promise<void> {
    while (!this.hasGivenUp) {
      if (await holds(this.node).catch(() => false)) return
      await wait(RETRY_MS)
    }
  }

  /** From now on it is left as it is. */
  async leave(): Promise<NodeProcess> {
    this.#isOver = true
    await Promise.race([this.#running, wait(0)])
    return this.node
  }

  /** Pure but for what it has seen. */
  judge(): Judgement {
    return {
      promise: 'ends',
      summary: `the process ended ${this.ends} times, and was started again`,
      offences: this.hasGivenUp ? [`it still ends after ${this.ends} times`] : [],
    }
  }

  async #run(): Promise<void> {
    while (!this.hasGivenUp) {
      await this.node.ended
      if (this.#isOver) return
      this.ends++
      // One that ends before it listens has ended once more.
      this.node = await this.#start().catch(() => this.node)
    }
  }
}

const RETRY_MS = 100

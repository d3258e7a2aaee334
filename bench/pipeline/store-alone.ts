import { join } from 'node:path'
import { runJob } from '../../actors/pool/run-job.ts'
import { ActorSystem } from '../../runtime/actor/actor-system.ts'
import { BOUNDS } from '../../runtime/config/bounds.ts'
import { loadHandlers } from '../../runtime/handler/load-handlers.ts'
import type { Outcome } from '../../runtime/job/outcome.ts'
import { createLogger } from '../../runtime/observe/logger.ts'
import { Supervisor } from '../../runtime/supervision/supervisor.ts'
import { storeSubtree } from '../../supervisors/store.ts'
import { Mix } from '../load/mix.ts'
import { configOf, envelopeOf } from './backlog.ts'

/**
 * What the database alone takes: the commits that a node would make of a backlog of pool A's jobs, their outcomes made by
 * the real handler beforehand, on PGlite in its own thread as in a node, always one commit ahead so that it never waits.
 * Run as `node bench/pipeline/store-alone.ts DIRECTORY JOBS SEED`; prints jobs per second.
 */
const WARM_UP_SHARE = 0.15
const COMMITS_AHEAD = 2

const [directory = '', jobs, seed] = process.argv.slice(2)
const config = configOf(['--data-dir', directory])
const { handlers } = await loadHandlers(config.handlers.directory)
const system = new ActorSystem({ log: createLogger('warn', 'json'), ...BOUNDS.kernel })
const { spec, store } = storeSubtree(system, config, join(directory, 'postgres'), handlers)
const root = new Supervisor(system, { path: '/bench', strategy: 'one_for_one', children: [spec] })
await root.start()

const batches: Outcome[][] = []
const mix = new Mix(Number(seed), { kinds: [1] })
for (let offset = 0; offset < Number(jobs); offset += config.store.batchJobsMax) {
  const size = Math.min(config.store.batchJobsMax, Number(jobs) - offset)
  batches.push(await Promise.all(Array.from({ length: size }, (_, i) => outcomeOf(offset + i))))
}
const warmUp = Math.ceil(batches.length * WARM_UP_SHARE)
await commitAll(batches.slice(0, warmUp))
const measured = batches.slice(warmUp)
const startedAt = performance.now()
await commitAll(measured)
const seconds = (performance.now() - startedAt) / 1000
console.log(measured.flat().length / seconds)
root.kill()
process.exit(0)

async function outcomeOf(offset: number): Promise<Outcome> {
  const envelope = envelopeOf(mix.next())
  const report = await runJob(envelope, handlers.get(envelope.kind), {
    thin: false,
    upstreams: {},
    now: Date.now,
    random: Math.random,
    log: { info: () => {}, warn: () => {} },
  })
  return {
    envelope,
    origin: { from: 'log', lane: `pool-a.${envelope.tier}`, partition: 0, offset },
    ...report,
  }
}

async function commitAll(all: readonly Outcome[][]): Promise<void> {
  const waiting = [...all]
  const one = async (): Promise<void> => {
    for (let batch = waiting.shift(); batch; batch = waiting.shift()) await store.commit(batch)
  }
  await Promise.all(Array.from({ length: COMMITS_AHEAD }, one))
}

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Partitioner } from '../../actors/accept/partitioner.ts'
import { BOUNDS } from '../../runtime/config/bounds.ts'
import { loadConfig } from '../../runtime/config/load-config.ts'
import type { Config } from '../../runtime/config/settings.ts'
import { type Envelope, encodeEnvelope } from '../../runtime/job/envelope.ts'
import { identify } from '../../runtime/job/id.ts'
import { LANES, type Lane, laneOf, type Pool } from '../../runtime/job/lane.ts'
import { continueTrace } from '../../runtime/job/trace.ts'
import { openLmdbLog } from '../../runtime/log/lmdb-log.ts'
import type { LogRecord } from '../../runtime/log/log.ts'
import { type Kind, type Mix, type MixJob, tenantName } from '../load/mix.ts'

/** Jobs as the ingress would have accepted them, and a log that is full of them before a node opens it. */
const POOL_OF: Readonly<Record<Kind, Pool>> = { 'lead.qualify': 'a', 'crm.sync': 'c', 'agent.run': 'b' }
const HANDLERS = fileURLToPath(new URL('../../actors/handlers', import.meta.url))
const APPEND_JOBS = 1_000
/** The backlog counts as fresh for as long as a bench takes: an old one is worked off in thin mode, which is less work. */
const APPENDED_AHEAD_MS = 600_000

export const configOf = (flags: readonly string[]): Config =>
  loadConfig({
    argv: flags,
    env: {},
    readFile: (path) => readFileSync(path, 'utf8'),
    defaults: { 'handlers.directory': HANDLERS },
  }).config

export function envelopeOf({ tenant: number, kind, tier, body: text }: MixJob): Envelope {
  const tenant = tenantName(number)
  const body = Buffer.from(text)
  const acceptedAtMs = Date.now()
  const { id, bodyHash } = identify({ tenant, kind, idempotencyKey: undefined, body }, acceptedAtMs)
  return {
    id,
    tenant,
    kind,
    tier,
    orderingKey: undefined,
    attempt: 1,
    acceptedAtMs,
    traceparent: continueTrace(undefined).traceparent,
    keyed: false,
    unclaimed: false,
    bodyHash,
    body,
  }
}

/** Appends the next `jobs` of a mix to the log of a node that is to be started on `dataDir`. */
export async function fillLog(dataDir: string, jobs: number, mix: Mix): Promise<void> {
  const { log: settings } = configOf(['--data-dir', dataDir])
  const log = await openLmdbLog({
    directory: join(dataDir, 'log'),
    partitions: new Map(LANES.map((lane) => [lane, settings.partitionsPerLane])),
    retention: { ageMs: settings.retentionHours * 3_600_000, bytesMax: settings.bytesMax },
    now: () => Date.now() + APPENDED_AHEAD_MS,
  })
  const partitioner = new Partitioner(BOUNDS.accept.shardPartitions)
  const record = (): LogRecord => {
    const job = mix.next()
    const lane: Lane = laneOf(POOL_OF[job.kind], job.tier)
    const envelope = envelopeOf(job)
    const partition = partitioner.choose(envelope.tenant, undefined, settings.partitionsPerLane)
    return { lane, partition, value: encodeEnvelope(envelope), traceparent: envelope.traceparent }
  }
  try {
    for (let left = jobs; left > 0; left -= APPEND_JOBS) {
      const verdicts = await log.append(Array.from({ length: Math.min(left, APPEND_JOBS) }, record))
      if (verdicts.some((verdict) => verdict !== 'acked')) throw new Error('the log refused the backlog')
    }
  } finally {
    await log.close()
  }
}

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Claims } from '../runtime/claims/claims.ts'
import { MemoryClaims } from '../runtime/claims/memory-claims.ts'
import type { Config } from '../runtime/config/settings.ts'
import { LANES } from '../runtime/job/lane.ts'
import { lockDataDirectory } from '../runtime/log/data-directory.ts'
import { openLmdbLog } from '../runtime/log/lmdb-log.ts'
import type { Log } from '../runtime/log/log.ts'
import { restoreClaims } from './restore-claims.ts'

/** What a node that stands alone keeps for itself: the lock on its directory, the log there, the claims in memory. */
export interface Storage {
  log: Log
  claims: Claims
  /** What was missing when it was opened and has been begun anew. */
  warnings: readonly string[]
  /** Why the log refuses jobs; undefined when it takes them. */
  trouble(): Promise<string | undefined>
  /** Resolves when the log can only be opened anew, by the next start. */
  broken: Promise<Error>
  close(): Promise<void>
}

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

export async function openStorage(config: Config): Promise<Storage> {
  const { dataDir } = config.node
  const lock = await lockDataDirectory(dataDir)
  const opened: { close(): Promise<void> }[] = [{ close: () => lock.release() }]
  const close = async (): Promise<void> => {
    for (const resource of opened.toReversed()) await resource.close()
  }
  const hadLog = existsSync(join(dataDir, 'log'))
  try {
    const log = await openLmdbLog({
      directory: join(dataDir, 'log'),
      partitions: new Map(LANES.map((lane) => [lane, config.log.partitionsPerLane])),
      retention: { ageMs: config.log.retentionHours * HOUR_MS, bytesMax: config.log.bytesMax },
    })
    opened.push(log)
    const warnings = await missingParts(dataDir, hadLog, log)
    const lifetimeMs = config.claims.lifetimeMinutes * MINUTE_MS
    // Without the table that has them, jobs of the log must be accepted again when their clients send them again.
    const claims = existsSync(join(dataDir, 'postgres'))
      ? restoreClaims(log, lifetimeMs)
      : new MemoryClaims({ lifetimeMs })
    return { log, claims, warnings, trouble: () => log.trouble(), broken: log.broken, close }
  } catch (cause) {
    await close()
    throw cause
  }
}

/** A new directory has neither part. One without the other has lost it, or its operator moved it away. */
async function missingParts(dataDir: string, hadLog: boolean, log: Log): Promise<string[]> {
  const table = join(dataDir, 'postgres')
  if (existsSync(table))
    return hadLog
      ? []
      : [`${dataDir}/log was not there: a new one begins; jobs accepted and not stored are lost`]
  // The job table is made after the log, so a log without one may be that of a first start which was interrupted.
  const progress = await log.progress('spillway', LANES)
  return progress.some(({ end }) => end > 0)
    ? [`${table} is not there: a new one begins; finished jobs and waiting retries are lost`]
    : []
}

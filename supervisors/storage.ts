import { join } from 'node:path'
import type { Claims } from '../runtime/claims/claims.ts'
import { openLmdbClaims } from '../runtime/claims/lmdb-claims.ts'
import { BOUNDS } from '../runtime/config/bounds.ts'
import type { Config } from '../runtime/config/settings.ts'
import { LANES } from '../runtime/job/lane.ts'
import { lockDataDirectory } from '../runtime/log/data-directory.ts'
import { openLmdbLog } from '../runtime/log/lmdb-log.ts'
import type { Log } from '../runtime/log/log.ts'
import type { Logger } from '../runtime/observe/logger.ts'

/** What a node keeps on its own disk: the lock on its directory, the log, the claims. */
export interface Storage {
  log: Log
  claims: Claims
  close(): Promise<void>
}

const HOUR_MS = 3_600_000
const MINUTE_MS = 60_000

export async function openStorage(config: Config, logger: Logger): Promise<Storage> {
  const { dataDir } = config.node
  const lock = await lockDataDirectory(dataDir)
  const opened: { close(): Promise<void> }[] = [{ close: () => lock.release() }]
  const close = async (): Promise<void> => {
    for (const resource of opened.toReversed()) await resource.close()
  }
  try {
    const log = await openLmdbLog({
      directory: join(dataDir, 'log'),
      partitions: new Map(LANES.map((lane) => [lane, config.log.partitionsPerLane])),
      retention: { ageMs: config.log.retentionHours * HOUR_MS, bytesMax: config.log.bytesMax },
    })
    opened.push(log)
    const claims = await openLmdbClaims({
      directory: join(dataDir, 'claims'),
      lifetimeMs: config.claims.lifetimeMinutes * MINUTE_MS,
      pendingMax: BOUNDS.claims.pendingMax,
      onWarning: (message) => logger.warn(message),
    })
    opened.push(claims)
    return { log, claims, close }
  } catch (cause) {
    await close()
    throw cause
  }
}

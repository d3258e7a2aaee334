import { join } from 'node:path'
import { SETTINGS } from '../../runtime/config/settings.ts'
import { decodeEnvelope, type Envelope } from '../../runtime/job/envelope.ts'
import { LANES } from '../../runtime/job/lane.ts'
import { openLmdbLog } from '../../runtime/log/lmdb-log.ts'
import type { DeliveredBatch, Log } from '../../runtime/log/log.ts'
import { openPglite } from '../../runtime/store/open-pglite.ts'
import { PgliteSql } from '../../runtime/store/pglite-sql.ts'
import type { Sql } from '../../runtime/store/sql.ts'

/** A record of the log and where it stands. */
export interface StoredRecord {
  lane: string
  partition: number
  offset: number
  envelope: Envelope
}

/** What a node that has ended left in its data directory, read by the adapters that wrote it. */
export class DataOnDisk {
  readonly log: Log
  readonly sql: Sql

  private constructor(log: Log, sql: Sql) {
    this.log = log
    this.sql = sql
  }

  static async open(directory: string): Promise<DataOnDisk> {
    const partitions = SETTINGS['log.partitionsPerLane'].default
    const log = await openLmdbLog({
      directory: join(directory, 'log'),
      partitions: new Map(LANES.map((lane) => [lane, partitions])),
      retention: { ageMs: 3_600_000, bytesMax: 2 ** 30 },
    })
    return new DataOnDisk(log, new PgliteSql(await openPglite(join(directory, 'postgres'))))
  }

  /** Every record of the log. */
  async records(): Promise<StoredRecord[]> {
    const group = 'data-on-disk'
    const progress = await this.log.progress(group, LANES)
    const count = progress.reduce((sum, { begin, end }) => sum + end - begin, 0)
    const stored: StoredRecord[] = []
    if (count === 0) return stored
    const { promise: complete, resolve, reject } = Promise.withResolvers<void>()
    const onBatch = ({ lane, partition, records }: DeliveredBatch): void => {
      for (const { offset, value } of records)
        stored.push({ lane, partition, offset, envelope: decodeEnvelope(value) })
      if (stored.length >= count) resolve()
    }
    const consumer = await this.log.consume({ group, lanes: LANES, onBatch, onFailure: reject })
    await complete
    await consumer.stop()
    return stored
  }

  async close(): Promise<void> {
    await Promise.all([this.log.close(), this.sql.close()])
  }
}

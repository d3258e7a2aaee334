import { join } from 'node:path'
import { decodeEnvelope, type Envelope } from '../../runtime/job/envelope.ts'
import { LANES } from '../../runtime/job/lane.ts'
import { openLmdbLog } from '../../runtime/log/lmdb-log.ts'
import type { DeliveredBatch, Log } from '../../runtime/log/log.ts'
import { openPglite } from '../../runtime/store/open-pglite.ts'
import { PgliteSql } from '../../runtime/store/pglite-sql.ts'
import type { Sql } from '../../runtime/store/sql.ts'
import { until } from './until.ts'

/** What a node that has ended left in its data directory, read by the adapters that wrote it. */
export class DataOnDisk {
  readonly log: Log
  readonly sql: Sql

  private constructor(log: Log, sql: Sql) {
    this.log = log
    this.sql = sql
  }

  static async open(directory: string): Promise<DataOnDisk> {
    const log = await openLmdbLog({
      directory: join(directory, 'log'),
      partitions: new Map(LANES.map((lane) => [lane, 4])),
      retention: { ageMs: 3_600_000, bytesMax: 2 ** 30 },
    })
    return new DataOnDisk(log, new PgliteSql(await openPglite(join(directory, 'postgres'))))
  }

  /** Every record of the log. */
  async envelopes(): Promise<Envelope[]> {
    const group = 'data-on-disk'
    const progress = await this.log.progress(group, LANES)
    const count = progress.reduce((sum, { begin, end }) => sum + end - begin, 0)
    const envelopes: Envelope[] = []
    const onBatch = ({ records }: DeliveredBatch): void => {
      for (const { value } of records) envelopes.push(decodeEnvelope(value))
    }
    let failure: Error | undefined
    const onFailure = (error: Error): void => {
      failure = error
    }
    const consumer = await this.log.consume({ group, lanes: LANES, onBatch, onFailure })
    await until(() => failure ?? envelopes.length >= count, `${count} records of the log`)
    await consumer.stop()
    if (failure) throw failure
    return envelopes
  }

  async close(): Promise<void> {
    await Promise.all([this.log.close(), this.sql.close()])
  }
}

import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { BOUNDS } from '../config/bounds.ts'
import { DataFileError, hasDataFile } from '../lmdb/data-file.ts'
import { CommitError, type Environment, openEnvironment } from '../lmdb/environment.ts'
import { verifyPages } from '../lmdb/page-check.ts'
import { BatchTable, PARTITIONS_MAX } from './lmdb-batches.ts'
import { type Layout, planLayout } from './lmdb-layout.ts'
import { OffsetTable } from './lmdb-offsets.ts'
import { Partition } from './lmdb-partition.ts'
import { LogOpenError } from './log-error.ts'

/** An opened log: its tables, and each partition's state recovered from them. */
export interface LogFiles {
  environment: Environment
  batches: BatchTable
  offsets: OffsetTable
  /** Lane → its partitions by number. */
  lanes: ReadonlyMap<string, readonly Partition[]>
}

export interface LogFilesOptions {
  directory: string
  partitions: ReadonlyMap<string, number>
  bytesMax: number
}

/** Address space beyond twice the bytes to keep: the tables' own pages, and consumed records between two expiries. */
const MAP_SLACK_BYTES = BOUNDS.log.mapSlackBytes

/** Rejects with LogOpenError where an operator has to decide, and closes again what it opened. */
export async function openLogFiles(options: LogFilesOptions): Promise<LogFiles> {
  const file = join(options.directory, 'data.mdb')
  let environment: Environment | undefined
  try {
    if (hasDataFile(file)) verifyPages(file)
    else await create(options)
    environment = openDurable(options.directory, options)
    await environment.provide({ writes: 1, bytes: 0 }, BOUNDS.log.reserveBytes)
    const layout = await storeLayout(environment, options)
    const batches = new BatchTable(environment.root)
    const offsets = new OffsetTable(environment.root)
    const lanes = recover(layout, batches, offsets)
    return { environment, batches, offsets, lanes }
  } catch (error) {
    await environment?.close()
    throw isDamage(error) ? corrupt(file, error) : error
  }
}

const openDurable = (directory: string, { bytesMax }: LogFilesOptions): Environment =>
  openEnvironment({ directory, mapBytes: 2 * bytesMax + MAP_SLACK_BYTES })

/**
 * An empty log is made beside its place and moved there when it is on the disk. So a directory that is there without a
 * data file, or with an empty one, has lost it: it is refused, not begun anew.
 */
async function create(options: LogFilesOptions): Promise<void> {
  const { directory } = options
  if (existsSync(directory) && readdirSync(directory).length > 0)
    throw new DataFileError('it is missing or empty, though its directory has been in use')
  const unfinished = `${directory}.unfinished`
  rmSync(unfinished, { recursive: true, force: true })
  await openDurable(unfinished, options).close()
  renameSync(unfinished, directory)
}

/** Nothing that the system (ENOSPC, errno 28) or the configuration is to blame for. */
function isDamage(error: unknown): boolean {
  if (error instanceof LogOpenError) return false
  const { code } = (error instanceof CommitError ? error.cause : error) as { code?: number | string }
  if (typeof code === 'number') return code < 0
  return code === undefined || code.startsWith('ERR_')
}

async function storeLayout(environment: Environment, options: LogFilesOptions): Promise<Layout> {
  const table = environment.root.openDB<Layout, string>('layout', { encoding: 'json' })
  const stored = table.get('layout')
  const layout = planLayout(stored, options.partitions, PARTITIONS_MAX, options.directory)
  if (!isDeepStrictEqual(stored, layout)) await environment.commit(() => void table.put('layout', layout))
  return layout
}

function recover(layout: Layout, batches: BatchTable, offsets: OffsetTable): Map<string, Partition[]> {
  const lanes = new Map<string, Partition[]>()
  for (const [lane, { firstId, partitions }] of Object.entries(layout.lanes)) {
    const states = Array.from({ length: partitions }, (_, i) => new Partition(firstId + i, lane, i, batches))
    lanes.set(lane, states)
  }
  for (const { group, lane, partition, offset } of offsets.all()) {
    const state = lanes.get(lane)?.[partition]
    if (state === undefined || offset < state.begin || offset > state.end)
      throw new DataFileError(
        `group ${group} is at offset ${offset} of ${lane}/${partition}, which has ${state?.begin} to ${state?.end}`,
      )
    state.setCommitted(group, offset)
  }
  for (const partition of [...lanes.values()].flat()) verifyUnconsumed(partition, batches)
  return lanes
}

/** What jobs are still to be run from is read once, at some 1.2 s per GB: damage is found here and not in the middle. */
function verifyUnconsumed({ id, lane, index, consumed, end }: Partition, batches: BatchTable): void {
  for (let offset = consumed; offset < end; ) {
    const header = batches.intactHeader(id, offset)
    if (header === undefined)
      throw new DataFileError(`the record batch of ${lane}/${index} offset ${offset} is missing or damaged`)
    offset = header.end
  }
}

const corrupt = (file: string, cause: unknown): LogOpenError =>
  new LogOpenError(
    'corrupt',
    file,
    `the log file ${file} can't be used: ${(cause as Error).message}. Restore the directory from a backup, or move it ` +
      'away to start with an empty log; jobs that were accepted but not finished are then lost',
    { cause },
  )

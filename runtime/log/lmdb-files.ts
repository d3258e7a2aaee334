import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { RootDatabase } from 'lmdb'
import { DataFileError, inspectDataFile } from '../lmdb/data-file.ts'
import { CommitError, commit, openEnvironment } from '../lmdb/environment.ts'
import { verifyPages } from '../lmdb/page-check.ts'
import { type Layout, planLayout } from './lmdb-layout.ts'
import { OffsetTable } from './lmdb-offsets.ts'
import { Partition } from './lmdb-partition.ts'
import { PARTITIONS_MAX, RecordTable } from './lmdb-records.ts'
import { LogOpenError } from './log-error.ts'

/** An opened log: its tables, and each partition's state recovered from them. */
export interface LogFiles {
  root: RootDatabase
  records: RecordTable
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
const MAP_SLACK_BYTES = 256 * 1024 * 1024

/** Rejects with LogOpenError where an operator has to decide, and closes again what it opened. */
export async function openLogFiles(options: LogFilesOptions): Promise<LogFiles> {
  const file = join(options.directory, 'data.mdb')
  let root: RootDatabase | undefined
  try {
    if (inspectDataFile(file) === 'doubtful') verifyPages(file)
    root = openEnvironment({
      directory: options.directory,
      mapBytes: 2 * options.bytesMax + MAP_SLACK_BYTES,
      durable: true,
    })
    const layout = await storeLayout(root, options)
    const records = new RecordTable(root)
    const offsets = new OffsetTable(root)
    const lanes = recover(layout, records, offsets)
    return { root, records, offsets, lanes }
  } catch (error) {
    await root?.close()
    throw isDamage(error) ? corrupt(file, error) : error
  }
}

/** Nothing that the system (ENOSPC, errno 28) or the configuration is to blame for. */
function isDamage(error: unknown): boolean {
  if (error instanceof LogOpenError) return false
  const { code } = (error instanceof CommitError ? error.cause : error) as { code?: number | string }
  if (typeof code === 'number') return code < 0
  return code === undefined || code.startsWith('ERR_')
}

async function storeLayout(root: RootDatabase, options: LogFilesOptions): Promise<Layout> {
  const table = root.openDB<Layout, string>('layout', { encoding: 'json' })
  const stored = table.get('layout')
  const layout = planLayout(stored, options.partitions, PARTITIONS_MAX, options.directory)
  if (!isDeepStrictEqual(stored, layout)) await commit(root, () => void table.put('layout', layout))
  return layout
}

function recover(layout: Layout, records: RecordTable, offsets: OffsetTable): Map<string, Partition[]> {
  const lanes = new Map<string, Partition[]>()
  let kept = 0
  for (const [lane, { firstId, partitions }] of Object.entries(layout.lanes)) {
    const states = Array.from({ length: partitions }, (_, i) => new Partition(firstId + i, lane, i, records))
    for (const { begin, end } of states) kept += end - begin
    lanes.set(lane, states)
  }
  const stored = records.count()
  if (stored !== kept) throw new DataFileError(`it holds ${stored} records where the offsets tell of ${kept}`)
  for (const { group, lane, partition, offset } of offsets.all()) {
    const state = lanes.get(lane)?.[partition]
    if (state === undefined || offset < state.begin || offset > state.end)
      throw new DataFileError(
        `group ${group} is at offset ${offset} of ${lane}/${partition}, which has ${state?.begin} to ${state?.end}`,
      )
    state.setCommitted(group, offset)
  }
  return lanes
}

const corrupt = (file: string, cause: unknown): LogOpenError =>
  new LogOpenError(
    'corrupt',
    file,
    `the log file ${file} can't be used: ${(cause as Error).message}. Restore the directory from a backup, or move it ` +
      'away to start with an empty log; jobs that were accepted but not finished are then lost',
    { cause },
  )

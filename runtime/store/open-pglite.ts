import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
} from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { SYNCED_START_PARAMETERS, SyncedFiles } from './pglite-files.ts'

/**
 * Opens the embedded database in a directory, which it creates if it has to. One process at a time: the caller holds the
 * lock on the data directory.
 *
 * A new database is made beside its place and moved there when it is complete and synced: a process that is killed
 * during its first start (3 s) leaves nothing half made.
 */
class StoreDirectoryError extends Error {
  override readonly name = 'StoreDirectoryError'
}

/** Rejects with StoreDirectoryError, which names the directory, what is wrong and what to do. */
export async function openPglite(directory: string): Promise<PGlite> {
  const path = resolve(directory)
  try {
    if (!holdsDatabase(path)) await createDatabase(path)
  } catch (cause) {
    if (cause instanceof StoreDirectoryError) throw cause
    throw new StoreDirectoryError(
      `database directory ${path} can't be used: ${(cause as Error).message}. ` +
        'It must be empty, absent, or one that a node has written, and writable for this user. If a node has written it, ' +
        'restore it from a backup',
      { cause },
    )
  }
  return start(path)
}

function holdsDatabase(path: string): boolean {
  mkdirSync(dirname(path), { recursive: true })
  const files = existsSync(path) ? readdirSync(path) : []
  if (files.length > 0 && !files.includes('PG_VERSION'))
    throw new Error(`it holds other files (${files.slice(0, 3).join(', ')}), but no PG_VERSION`)
  return files.length > 0
}

async function createDatabase(path: string): Promise<void> {
  const unfinished = `${path}.unfinished`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished, { mode: 0o700 })
  const pg = await start(unfinished)
  await pg.close()
  syncTree(unfinished)
  renameSync(unfinished, path)
  sync(dirname(path))
}

async function start(path: string): Promise<PGlite> {
  const complaints: string[] = []
  try {
    return await PGlite.create({
      fs: new SyncedFiles(path),
      startParams: [
        ...PGlite.defaultStartParams.filter((parameter) => parameter !== '-F'),
        ...SYNCED_START_PARAMETERS,
      ],
      onStderr: (line) => {
        if (/ (FATAL|PANIC|DETAIL): /.test(line))
          complaints.push(line.replace(/^.*?(FATAL|PANIC|DETAIL): +/, ''))
        return false
      },
    })
  } catch (cause) {
    const reason = complaints.join('; ') || reasonOf(cause)
    throw new StoreDirectoryError(
      `database directory ${path} can't be opened: ${reason}. ${remedyOf(path, reason)}`,
      { cause },
    )
  }
}

/** An error of Emscripten's files has a number of WASI and no message. */
function reasonOf(cause: unknown): string {
  const { message, errno } = cause as { message?: string; errno?: number }
  if (errno === WASI_ENOSPC) return 'No space left on device'
  return message || `${cause} ${errno ?? ''}`
}

const WASI_ENOSPC = 51

/** A full disk is no damage: the recovery that failed for want of room succeeds with it. */
function remedyOf(path: string, reason: string): string {
  if (!/No space left on device|Disk quota exceeded/.test(reason))
    return (
      'Restore it from a backup, or move it away and start with an empty one; that loses the retries that wait in it and ' +
      'the states of finished jobs'
    )
  const { bavail, bsize } = statfsSync(path)
  return `Nothing is lost: free some disk (${bavail * bsize} bytes are left; it may need two segments of its log, 32 MiB)`
}

function syncTree(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name)
    if (entry.isDirectory()) syncTree(path)
    else if (entry.isFile()) sync(path)
  }
  sync(directory)
}

function sync(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

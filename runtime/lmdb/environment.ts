import { closeSync, fstatSync, fsyncSync, mkdirSync, openSync, statfsSync, writeSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { open, type RootDatabase } from 'lmdb'
import { bytesNeeded, Headroom, type Need } from './headroom.ts'

/**
 * An LMDB environment and its transactions, as the adapters here use them: reads are synchronous, writes go in
 * asynchronous transactions, one at a time, each with a certain outcome.
 *
 * `overlappingSync` (lmdb's default) is off on purpose. With it a transaction is visible before it is synced, and one
 * whose sync fails stays visible; without it a transaction is synced before its promise resolves, and one that fails
 * to sync is rolled back. At one transaction at a time both are equally fast. `eventTurnBatching` is off because its
 * promises reject where nobody can catch them.
 */
export interface EnvironmentOptions {
  directory: string
  /** Address space to reserve. The file grows as needed; growing beyond this costs a second mapping. */
  mapBytes: number
}

const NEW_FILE_BYTES_MIN = 1024 * 1024
const DATA_FILE = 'data.mdb'
const LOCK_FILE = 'lock.mdb'
/** More than lmdb needs for 126 readers. It maps the file: a page that gets no block on a full disk is a SIGBUS. */
const LOCK_FILE_BYTES = 16 * 1024

/** Throws system errors, and lmdb's for a file that it finds damaged. */
export function openEnvironment(options: EnvironmentOptions): Environment {
  const { directory, mapBytes } = options
  prepareFiles(directory)
  const root = open({
    path: directory,
    noSubdir: false,
    overlappingSync: false,
    eventTurnBatching: false,
    mapSize: mapBytes,
    encoding: 'json',
  })
  for (const path of [directory, dirname(directory)]) syncDirectory(path)
  return new Environment(root, join(directory, DATA_FILE))
}

export class Environment {
  readonly root: RootDatabase
  readonly #native: NativeEnvironment
  readonly #pageBytes: number
  readonly #descriptor: number
  readonly #headroom: Headroom

  constructor(root: RootDatabase, file: string) {
    this.root = root
    this.#native = (root as unknown as { env: NativeEnvironment }).env
    this.#pageBytes = (root.getStats() as { pageSize: number }).pageSize
    this.#descriptor = openSync(file, 'r+')
    this.#headroom = new Headroom(file, this.#descriptor)
  }

  /**
   * Resolves when the disk has room for a transaction of this size, and so many bytes beside it; rejects with
   * NoRoomError. To be asked before every `commit`. One call at a time.
   */
  async provide(need: Need, besideBytes: number): Promise<void> {
    const { lastPageNumber } = this.#native.info()
    await this.#headroom.provide((lastPageNumber + 1) * this.#pageBytes, bytesNeeded(need) + besideBytes)
  }

  /**
   * Runs the puts and removes of `write` as one transaction; resolves when it is committed, synced, and
   * every later read sees it.
   * Rejects with CommitError. `write` must not throw: lmdb would commit half of it.
   */
  async commit(write: () => void): Promise<void> {
    const committed = queue(this.root, write)
    try {
      await committed
      this.root.resetReadTxn()
    } catch (error) {
      const cause = await causeOf(error)
      throw new CommitError(isUsable(this.root), cause)
    }
  }

  async close(): Promise<void> {
    await this.root.close()
    closeSync(this.#descriptor)
  }
}

/** What `getStats` asks among others, which walks the list of free pages and opens a read transaction: ten times the time. */
interface NativeEnvironment {
  info(): { lastPageNumber: number }
}

/** What goes wrong within lmdb's own opening kills the process: a missing permission or a full disk is met here. */
function prepareFiles(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const { bavail, bsize } = statfsSync(directory)
  for (const name of [DATA_FILE, LOCK_FILE]) {
    const path = join(directory, name)
    const descriptor = openSync(path, 'a', 0o600)
    const isNew = fstatSync(descriptor).size === 0
    try {
      if (isNew && bavail * bsize < NEW_FILE_BYTES_MIN) {
        const message = `${bavail * bsize} bytes of disk are left for ${path}: it needs ${NEW_FILE_BYTES_MIN} to begin with`
        throw Object.assign(new Error(message), { code: 'ENOSPC' })
      }
      if (isNew && name === LOCK_FILE) writeSync(descriptor, Buffer.alloc(LOCK_FILE_BYTES))
    } finally {
      closeSync(descriptor)
    }
  }
}

/** Without it a crash of the machine may forget that a new file was there at all. */
function syncDirectory(path: string): void {
  const descriptor = openSync(path, 'r')
  fsyncSync(descriptor)
  closeSync(descriptor)
}

export class CommitError extends Error {
  override readonly name = 'CommitError'
  /**
   * True: the transaction was rolled back and the next one may succeed (a full disk). False: whether it took place is
   * not known, and the environment must not be written to again: lmdb would never answer.
   */
  readonly usable: boolean

  constructor(usable: boolean, cause: unknown) {
    super(`the storage transaction failed: ${(cause as Error)?.message ?? cause}`, { cause })
    this.usable = usable
  }
}

function queue(root: RootDatabase, write: () => void): Promise<boolean> {
  try {
    return root.batch(write)
  } catch (cause) {
    throw new CommitError(false, cause)
  }
}

/** lmdb hides the cause in a promise of its own, which would be reported as unhandled if nobody asked for it. */
async function causeOf(error: unknown): Promise<unknown> {
  const hidden = (error as { commitError?: Promise<never> }).commitError
  return hidden === undefined ? error : hidden.catch((cause: unknown) => cause)
}

/** After a failed write of its meta page LMDB refuses every transaction, reads included, until it is opened anew. */
function isUsable(root: RootDatabase): boolean {
  try {
    root.resetReadTxn()
    root.doesExist('any')
    return true
  } catch {
    return false
  }
}

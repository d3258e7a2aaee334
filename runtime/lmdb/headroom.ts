import { fstatSync, statfsSync, write } from 'node:fs'
import { promisify } from 'node:util'

/**
 * Disk that a data file has before LMDB needs it: the file is written with zeros ahead of its last page in use, and a
 * transaction begins only when what it may need at most is there. So LMDB itself never meets a full disk.
 *
 * It must not: on a failed write of a page lmdb 3.5 formats its message into a buffer that is too short for it
 * (`mdb_page_flush` in its `mdb.c`), which corrupts the heap and ends the process with SIGABRT. And a failed write of the
 * meta page makes it refuse everything until it is opened anew.
 *
 * This holds on file systems that overwrite in place (ext4, XFS, tmpfs), not on those that copy on write (btrfs, ZFS).
 */
export interface Need {
  /** Puts and removes. */
  writes: number
  /** Of the values put. */
  bytes: number
}

/** Steps in which the file grows: small, for the next sync writes it to the disk. */
const STEP_BYTES = 1024 * 1024
/** A write touches a leaf, may split it, touches their branch, and rounds its value up to whole pages. */
const PAGES_PER_WRITE = 4
/** For the tree of free pages and the root pages. */
const PAGES_PER_TRANSACTION = 64
const PAGE_BYTES = 4096
const ZEROS = Buffer.alloc(STEP_BYTES)

const writeAsync = promisify(write)

/** At the most. */
export const bytesNeeded = ({ writes, bytes }: Need): number =>
  bytes + (writes * PAGES_PER_WRITE + PAGES_PER_TRANSACTION) * PAGE_BYTES

export class Headroom {
  readonly path: string
  readonly #descriptor: number
  #end: number

  /** `descriptor`: the data file, open for writing; remains the caller's. */
  constructor(path: string, descriptor: number) {
    this.path = path
    this.#descriptor = descriptor
    this.#end = fstatSync(descriptor).size
  }

  /**
   * Resolves when the file has so many bytes beyond `usedBytes`; rejects with NoRoomError. One call at a time.
   */
  async provide(usedBytes: number, bytes: number): Promise<void> {
    const target = usedBytes + bytes
    while (this.#end < target) {
      try {
        const { bytesWritten } = await writeAsync(this.#descriptor, ZEROS, 0, STEP_BYTES, this.#end)
        this.#end += bytesWritten
      } catch (cause) {
        throw new NoRoomError(this.path, target - this.#end, cause as NodeJS.ErrnoException)
      }
    }
  }
}

/** A full disk, a quota, a limit on the size of files: it may pass. */
class NoRoomError extends Error {
  override readonly name = 'NoRoomError'
  readonly code: string | undefined

  constructor(path: string, bytes: number, cause: NodeJS.ErrnoException) {
    super(`${path} can't grow by ${bytes} bytes (${cause.code}): ${freeOf(path)}`, { cause })
    this.code = cause.code
  }
}

function freeOf(path: string): string {
  try {
    const { bavail, bsize } = statfsSync(path)
    return `${bavail * bsize} bytes are free on its file system`
  } catch (error) {
    return `what is free on its file system can't be told (${(error as Error).message})`
  }
}

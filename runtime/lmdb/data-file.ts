import { closeSync, fstatSync, openSync, readSync } from 'node:fs'

/**
 * A look at an LMDB data file before lmdb maps it. lmdb trusts its file: a foreign, truncated or half-written one kills
 * the process (SIGBUS, a failed assertion) where an error is wanted.
 *
 * Layout as in `MDB_page_header`, `MDB_meta` and `MDB_db` of lmdb's `mdb.c` (data version 2, little endian).
 */
export class DataFileError extends Error {
  override readonly name = 'DataFileError'
}

/** The newest meta page: where the two trees begin that all else hangs on. */
export interface Meta {
  pageBytes: number
  lastPage: number
  freeRoot: bigint
  mainRoot: bigint
  transaction: bigint
}

const META_OFFSET = 24
const META_BYTES = 144
const META_PAGE_FLAG = 0x08
const MAGIC = 0xbeefc0de
const DATA_VERSION = 2

/**
 * False when it is missing or empty: a file with acknowledged data has been synced and can't become so by a crash. What is
 * there begins as an LMDB file does, and is to be trusted only after `verifyPages` (`page-check.ts`).
 * Throws DataFileError for what is no LMDB data file of this version, and system errors.
 */
export function hasDataFile(path: string): boolean {
  const descriptor = openIfPresent(path)
  if (descriptor === undefined) return false
  try {
    if (fstatSync(descriptor).size === 0) return false
    readNewestMeta(descriptor)
    return true
  } finally {
    closeSync(descriptor)
  }
}

export function readNewestMeta(descriptor: number): Meta {
  const first = readMeta(descriptor, 0)
  const second = readMeta(descriptor, first.pageBytes)
  return first.transaction > second.transaction ? first : second
}

function readMeta(descriptor: number, position: number): Meta {
  const page = Buffer.alloc(META_OFFSET + META_BYTES)
  if (readSync(descriptor, page, 0, page.length, position) < page.length)
    throw new DataFileError(`it ends within the meta page at byte ${position}`)
  if ((page.readUInt16LE(18) & META_PAGE_FLAG) === 0 || page.readUInt32LE(META_OFFSET) !== MAGIC)
    throw new DataFileError(`there is no LMDB meta page at byte ${position}`)
  const version = page.readUInt32LE(META_OFFSET + 4) & 0xffff
  if (version !== DATA_VERSION)
    throw new DataFileError(`its LMDB data version is ${version}, this release reads ${DATA_VERSION}`)
  const pageBytes = page.readUInt32LE(META_OFFSET + 24)
  if (pageBytes < 256 || pageBytes > 65_536 || (pageBytes & (pageBytes - 1)) !== 0)
    throw new DataFileError(`its page size is ${pageBytes} bytes, which is no power of two from 256 to 65536`)
  return {
    pageBytes,
    freeRoot: page.readBigUInt64LE(META_OFFSET + 64),
    mainRoot: page.readBigUInt64LE(META_OFFSET + 112),
    lastPage: Number(page.readBigUInt64LE(META_OFFSET + 120)),
    transaction: page.readBigUInt64LE(META_OFFSET + 128),
  }
}

function openIfPresent(path: string): number | undefined {
  try {
    // Also for writing, so that a file without the permission is an error of the system, named as such.
    return openSync(path, 'r+')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

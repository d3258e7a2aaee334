import { closeSync, openSync, readSync } from 'node:fs'
import { DataFileError, readNewestMeta } from './data-file.ts'

/**
 * Walks every page that an LMDB data file has in use, from its newest meta page on, and throws DataFileError for the
 * first one that is missing or is another page than it should be. Reads the file only, at about 1 s per GB.
 *
 * Layout as in `MDB_page_header`, `MDB_node`, `MDB_ovpage` and `MDB_db` of lmdb's `mdb.c`. It does not look into values.
 */
export function verifyPages(path: string): void {
  const descriptor = openSync(path, 'r')
  try {
    const { pageBytes, freeRoot, mainRoot } = readNewestMeta(descriptor)
    const page = Buffer.alloc(pageBytes)
    const due = [freeRoot, mainRoot]
    for (let number = due.pop(); number !== undefined; number = due.pop()) {
      if (number === NO_PAGE) continue
      readPage(descriptor, page, number)
      due.push(...referencesOf(descriptor, page, number))
    }
  } finally {
    closeSync(descriptor)
  }
}

const NO_PAGE = 0xffff_ffff_ffff_ffffn
const HEADER_BYTES = 24
const NODE_BYTES = 8
const BRANCH = 0x01
const LEAF = 0x02
const OVERFLOW = 0x04
const META = 0x08
const NODE_ON_OVERFLOW_PAGES = 0x01
const NODE_IS_TREE = 0x02

function readPage(descriptor: number, page: Buffer, number: bigint): void {
  const bytes = readSync(descriptor, page, 0, page.length, Number(number) * page.length)
  if (bytes < page.length) throw new DataFileError(`page ${number} is in use, but beyond the end of the file`)
  if (page.readBigUInt64LE(0) !== number) throw new DataFileError(`page ${number} is in use, but damaged`)
}

/** The pages that this page of a tree refers to. */
function referencesOf(descriptor: number, page: Buffer, number: bigint): bigint[] {
  const flags = page.readUInt16LE(18)
  const nodes = page.readUInt16LE(20) >> 1
  const kind = flags & (BRANCH | LEAF | OVERFLOW | META)
  if ((kind !== BRANCH && kind !== LEAF) || HEADER_BYTES + 2 * nodes > page.length)
    throw new DataFileError(`page ${number} is in use, but no page of a tree`)
  const references: bigint[] = []
  for (let i = 0; i < nodes; i++) {
    const node = HEADER_BYTES + page.readUInt16LE(HEADER_BYTES + 2 * i)
    if (node + NODE_BYTES > page.length) throw new DataFileError(`page ${number} is in use, but damaged`)
    if ((flags & BRANCH) !== 0) references.push(BigInt(page.readUIntLE(node, 6)))
    else references.push(...treeReferences(descriptor, page, node))
  }
  return references
}

/** A node of a leaf may hold a tree of its own, or its value on overflow pages; these are looked at right here. */
function treeReferences(descriptor: number, page: Buffer, node: number): bigint[] {
  const flags = page.readUInt16LE(node + 4)
  const data = node + NODE_BYTES + page.readUInt16LE(node + 6)
  if ((flags & NODE_IS_TREE) !== 0) return [page.readBigUInt64LE(data + 40)]
  if ((flags & NODE_ON_OVERFLOW_PAGES) === 0) return []
  const first = page.readBigUInt64LE(data)
  const last = first + page.readBigUInt64LE(data + 16) - 1n
  const overflow = Buffer.alloc(page.length)
  readPage(descriptor, overflow, first)
  if ((overflow.readUInt16LE(18) & OVERFLOW) === 0)
    throw new DataFileError(`page ${first} is in use, but damaged`)
  const end = Buffer.alloc(1)
  if (readSync(descriptor, end, 0, 1, (Number(last) + 1) * page.length - 1) < 1)
    throw new DataFileError(`page ${last} is in use, but beyond the end of the file`)
  return []
}

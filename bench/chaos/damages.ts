import {
  closeSync,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  truncateSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { readNewestMeta } from '../../runtime/lmdb/data-file.ts'
import type { Random } from '../load/random.ts'

/** What can become of the files of a node that is not running, one after the other; where exactly, the seed decides. */
export interface Damage {
  name: string
  /** The part of the data directory that suffers; a refusal names it. */
  part: 'log' | 'postgres'
  do(dataDir: string, random: Random): void
}

const LOG = 'log/data.mdb'
const LOG_PAGE_BYTES = 4096
const TABLE_PAGE_BYTES = 8192
/** Of the default database of the embedded PostgreSQL. */
const TABLES = 'postgres/base/5'
const WAL = 'postgres/pg_wal'

const log = (name: string, change: (file: string, random: Random) => void): Damage => ({
  name: `log ${name}`,
  part: 'log',
  do: (dataDir, random) => change(join(dataDir, LOG), random),
})

const postgres = (name: string, change: (dataDir: string, random: Random) => void): Damage => ({
  name: `database ${name}`,
  part: 'postgres',
  do: change,
})

export const DAMAGES: readonly Damage[] = [
  log('cut off', (file, random) => truncateSync(file, random.below(usedPages(file)) * LOG_PAGE_BYTES)),
  log('with a byte changed', (file, random) => flip(file, random.below(usedPages(file) * LOG_PAGE_BYTES))),
  log('with a page of zeros', (file, random) =>
    overwrite(file, random.below(usedPages(file)) * LOG_PAGE_BYTES, Buffer.alloc(LOG_PAGE_BYTES)),
  ),
  log('with a byte of its newest pages changed', (file, random) => {
    const pages = usedPages(file)
    flip(
      file,
      (pages - 1 - random.below(Math.min(pages, 64))) * LOG_PAGE_BYTES + random.below(LOG_PAGE_BYTES),
    )
  }),
  log('without its first page', (file) => overwrite(file, 0, Buffer.alloc(LOG_PAGE_BYTES))),
  log('empty', (file) => truncateSync(file, 0)),
  log('without its data file', (file) => rmSync(file)),
  postgres('without PG_VERSION', (dataDir) => rmSync(join(dataDir, 'postgres/PG_VERSION'))),
  postgres('with a byte of pg_control changed', (dataDir, random) =>
    flip(join(dataDir, 'postgres/global/pg_control'), random.below(200)),
  ),
  postgres('without its write-ahead log', (dataDir) => {
    for (const file of segments(dataDir)) rmSync(file)
  }),
  postgres('with its write-ahead log cut off', (dataDir) => {
    for (const file of segments(dataDir)) truncateSync(file, 100_000)
  }),
  postgres('with a byte changed in each table', (dataDir, random) => {
    for (const file of tables(dataDir)) flip(file, random.below(TABLE_PAGE_BYTES))
  }),
]

function usedPages(file: string): number {
  const descriptor = openSync(file, 'r')
  const { lastPage } = readNewestMeta(descriptor)
  closeSync(descriptor)
  return lastPage + 1
}

function overwrite(file: string, position: number, bytes: Buffer): void {
  const descriptor = openSync(file, 'r+')
  writeSync(descriptor, bytes, 0, bytes.length, position)
  closeSync(descriptor)
}

function flip(file: string, position: number): void {
  const descriptor = openSync(file, 'r+')
  const byte = Buffer.alloc(1)
  if (position < fstatSync(descriptor).size) {
    readSync(descriptor, byte, 0, 1, position)
    byte.writeUInt8(byte.readUInt8() ^ 0x10)
    writeSync(descriptor, byte, 0, 1, position)
  }
  closeSync(descriptor)
}

const segments = (dataDir: string): string[] =>
  readdirSync(join(dataDir, WAL))
    .filter((name) => /^[0-9A-F]{24}$/.test(name))
    .map((name) => join(dataDir, WAL, name))

const tables = (dataDir: string): string[] =>
  readdirSync(join(dataDir, TABLES))
    .filter((name) => /^\d+$/.test(name))
    .map((name) => join(dataDir, TABLES, name))

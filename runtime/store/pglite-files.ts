import { fsyncSync } from 'node:fs'
import type { PGlite } from '@electric-sql/pglite'
import { NodeFS } from '@electric-sql/pglite/nodefs'

/**
 * PGlite's files on a disk of the machine, with an fsync that reaches it. As it comes, PGlite never syncs: it starts with
 * `-F` (fsync off), and its NodeFS has no fsync, so that PostgreSQL's calls do nothing. A commit would survive the end of
 * the process, but not of the machine, while the log's offset, which is synced, stood behind it (S4).
 */
export class SyncedFiles extends NodeFS {
  override async init(pg: PGlite, options: EmscriptenOptions): ReturnType<NodeFS['init']> {
    const { emscriptenOpts } = await super.init(pg, options)
    const preRun = [...(emscriptenOpts.preRun ?? []), addFsync]
    return { emscriptenOpts: { ...emscriptenOpts, preRun } }
  }
}

type EmscriptenOptions = Parameters<NodeFS['init']>[1]
type PostgresModule = Parameters<NonNullable<EmscriptenOptions['preRun']>[number]>[0]

/** `wal_sync_method=fsync`, since the default, fdatasync, is a stub in this build. */
export const SYNCED_START_PARAMETERS = ['-c', 'wal_sync_method=fsync']

function addFsync({ NODEFS }: PostgresModule): void {
  const operations = (NODEFS as unknown as { stream_ops: StreamOperations }).stream_ops
  operations.fsync = ({ nfd }) => {
    fsyncSync(nfd)
    return 0
  }
}

interface StreamOperations {
  fsync?(stream: { nfd: number }): number
}

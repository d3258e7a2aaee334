import { rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Database, RootDatabase } from 'lmdb'
import { inspectDataFile } from '../lmdb/data-file.ts'
import { type CommitError, commit, openEnvironment } from '../lmdb/environment.ts'
import type { ClaimRecord } from './claims.ts'

/**
 * Accepted claims on disk, written in the background and readable at once.
 *
 * Time is cut into generations of one lifetime, and two tables take turns: a claim goes into the table of its
 * generation, and a table is emptied as a whole when its next generation begins, by which time all in it has expired.
 * So nothing is removed one by one, and the file stays at two lifetimes' worth.
 *
 * A cache: it is not synced. kill -9 of the process does not hurt it; after a crash of the machine, or when it does
 * not open for another reason, it starts empty. What can't be written is forgotten, which costs work only.
 */
export interface AcceptedClaimsOptions {
  directory: string
  lifetimeMs: number
  /** Claims per generation, some 300 bytes each. */
  acceptedMax: number
  /** Called when the store starts empty, and when writing begins to fail. */
  onWarning(message: string): void
}

/** [expires at (ms), tenant, id, trace id, body hash] */
type Row = [number, string, string, string, string]

const WRITES_PER_TRANSACTION = 2_048
const WAITING_MAX = 100_000
const MAP_BYTES_PER_CLAIM = 512
const MAP_SLACK_BYTES = 64 * 1024 * 1024

/** Rejects only when not even an empty store can be opened in the directory. */
export async function openAcceptedClaims(options: AcceptedClaimsOptions): Promise<AcceptedClaims> {
  const { directory, onWarning } = options
  try {
    if (inspectDataFile(join(directory, 'data.mdb')) !== 'doubtful') return await openIn(options)
    onWarning(
      `the claim store in ${directory} may be incomplete after a crash of the machine: it starts empty`,
    )
  } catch (error) {
    onWarning(`the claim store in ${directory} does not open (${(error as Error).message}): it starts empty`)
  }
  rmSync(directory, { recursive: true, force: true })
  return openIn(options)
}

async function openIn(options: AcceptedClaimsOptions): Promise<AcceptedClaims> {
  const mapBytes = 2 * options.acceptedMax * MAP_BYTES_PER_CLAIM + MAP_SLACK_BYTES
  const root = openEnvironment({ directory: options.directory, mapBytes, durable: false })
  try {
    return new AcceptedClaims(root, options)
  } catch (error) {
    await root.close()
    throw error
  }
}

export class AcceptedClaims {
  readonly #root: RootDatabase
  readonly #options: AcceptedClaimsOptions
  readonly #tables: readonly GenerationTable[]
  readonly #generations: Database<number, string>
  /** Not written yet. */
  readonly #waiting = new Map<string, Row>()
  #writing: Promise<void> | undefined
  #failing = false
  /** Closed, or the storage must not be written to any more. */
  #ended = false

  constructor(root: RootDatabase, options: AcceptedClaimsOptions) {
    this.#root = root
    this.#options = options
    this.#generations = root.openDB('generations', { encoding: 'json' })
    this.#tables = ['even', 'odd'].map((name) => {
      const table = {
        name,
        rows: root.openDB<Row, string>(name, { encoding: 'json' }),
        entries: 0,
        generation: 0,
      }
      this.#load(table)
      return table
    })
  }

  /** Throws when the store can't be read. */
  get(claimKey: string, nowMs: number): ClaimRecord | undefined {
    const row = this.#waiting.get(claimKey) ?? this.#stored(claimKey, nowMs)
    if (row === undefined || row[0] <= nowMs) return undefined
    const [, tenant, id, traceId, bodyHash] = row
    return { state: 'accepted', tenant, id, traceId, bodyHash }
  }

  add(claimKey: string, { tenant, id, traceId, bodyHash }: ClaimRecord, nowMs: number): void {
    if (this.#ended || this.#waiting.size >= WAITING_MAX) return
    this.#waiting.set(claimKey, [nowMs + this.#options.lifetimeMs, tenant, id, traceId, bodyHash])
    this.#writing ??= this.#writeAll()
  }

  async close(): Promise<void> {
    this.#ended = true
    await this.#writing
    await this.#root.close()
  }

  #stored(claimKey: string, nowMs: number): Row | undefined {
    for (const { rows } of this.#tables) {
      const row = rows.get(claimKey)
      if (row !== undefined && row[0] > nowMs) return row
    }
    return undefined
  }

  async #writeAll(): Promise<void> {
    await new Promise((resume) => setImmediate(resume))
    while (this.#waiting.size > 0) {
      const batch = this.#waiting.entries().take(WRITES_PER_TRANSACTION).toArray()
      await this.#write(batch)
      for (const [claimKey] of batch) this.#waiting.delete(claimKey)
    }
    this.#writing = undefined
  }

  async #write(batch: readonly [string, Row][]): Promise<void> {
    try {
      await commit(this.#root, () => {
        for (const [claimKey, row] of batch) this.#put(claimKey, row)
      })
      this.#failing = false
    } catch (error) {
      this.#giveUp(error as CommitError)
    }
  }

  #giveUp({ message, usable }: CommitError): void {
    if (!this.#failing) this.#options.onWarning(`accepted claims are not kept: ${message}`)
    this.#failing = true
    if (usable) {
      for (const table of this.#tables) this.#load(table)
      return
    }
    this.#ended = true
    this.#waiting.clear()
  }

  #load(table: GenerationTable): void {
    table.generation = this.#generations.get(table.name) ?? 0
    table.entries = (table.rows.getStats() as { entryCount: number }).entryCount
  }

  #put(claimKey: string, row: Row): void {
    const generation = Math.floor(row[0] / this.#options.lifetimeMs)
    const table = this.#tables[generation % 2]!
    if (generation > table.generation) {
      void table.rows.clearAsync()
      void this.#generations.put(table.name, generation)
      table.generation = generation
      table.entries = 0
    }
    if (table.entries >= this.#options.acceptedMax) return
    table.entries++
    void table.rows.put(claimKey, row)
  }
}

interface GenerationTable {
  name: string
  rows: Database<Row, string>
  entries: number
  /** Number of the generation it holds. */
  generation: number
}

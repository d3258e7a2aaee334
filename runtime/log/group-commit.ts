import type { RootDatabase } from 'lmdb'
import { CommitError, commit } from '../lmdb/environment.ts'

/**
 * Group commit: what arrives while a transaction is under way shares the next one, so that one sync pays for many.
 * One transaction at a time, units in the order they came, no unit split over two.
 *
 * Once the storage has refused a transaction for good (`CommitError.usable` false), everything queued or added later
 * fails without being tried.
 */
export interface CommitUnit {
  /** Puts and removes it will make. */
  readonly writes: number
  readonly bytes: number
  /** Makes its puts and removes; called once, with every earlier unit's outcome known. Must not throw. */
  write(): void
  /** The transaction is durable. */
  committed(): void
  /** The transaction was not applied; with `error.usable` false it may have been. */
  failed(error: CommitError): void
}

/** A transaction takes units until it has this much; it takes one however large. */
const TRANSACTION_WRITES_MAX = 2_048
const TRANSACTION_BYTES_MAX = 4 * 1024 * 1024

export class GroupCommit {
  readonly #root: RootDatabase
  readonly #onBroken: (error: CommitError) => void
  #queue: CommitUnit[] = []
  #running: Promise<void> | undefined
  #broken: CommitError | undefined
  #pendingBytes = 0

  /** `onBroken` is called once, when the storage refuses to go on. */
  constructor(root: RootDatabase, onBroken: (error: CommitError) => void) {
    this.#root = root
    this.#onBroken = onBroken
  }

  /** Bytes of units added and not settled yet. */
  get pendingBytes(): number {
    return this.#pendingBytes
  }

  add(unit: CommitUnit): void {
    this.#queue.push(unit)
    this.#pendingBytes += unit.bytes
    this.#running ??= this.#run()
  }

  /** For occasional writes: resolves when they are durable, rejects with CommitError. */
  run(writes: number, write: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.add({ writes, bytes: 0, write, committed: resolve, failed: reject })
    })
  }

  /** Resolves when every unit added so far is settled. */
  async settled(): Promise<void> {
    await this.#running
  }

  async #run(): Promise<void> {
    // One turn of the event loop, so that what is added in this one shares the first transaction.
    await new Promise((resume) => setImmediate(resume))
    while (this.#queue.length > 0) await this.#transact(this.#take())
    this.#running = undefined
  }

  #take(): CommitUnit[] {
    let writes = 0
    let bytes = 0
    let count = 0
    for (const unit of this.#queue) {
      writes += unit.writes
      bytes += unit.bytes
      if (count > 0 && (writes > TRANSACTION_WRITES_MAX || bytes > TRANSACTION_BYTES_MAX)) break
      count++
    }
    return this.#queue.splice(0, count)
  }

  async #transact(units: CommitUnit[]): Promise<void> {
    const error = this.#broken ?? (await this.#tryCommit(units))
    for (const unit of units) {
      this.#pendingBytes -= unit.bytes
      if (error === undefined) unit.committed()
      else unit.failed(error)
    }
  }

  async #tryCommit(units: CommitUnit[]): Promise<CommitError | undefined> {
    try {
      await commit(this.#root, () => {
        for (const unit of units) unit.write()
      })
      return undefined
    } catch (cause) {
      const error = cause as CommitError
      if (error.usable) return error
      this.#broken = new CommitError(true, error.cause)
      this.#onBroken(error)
      return error
    }
  }
}

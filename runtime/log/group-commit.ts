import { BOUNDS } from '../config/bounds.ts'
import { CommitError, type Environment } from '../lmdb/environment.ts'

/**
 * Group commit: what arrives while a transaction is under way shares the next one, so that one sync pays for many.
 * One transaction at a time, units in the order they came, no unit split over two.
 *
 * On a full disk appends fail before they are tried, and some of the disk stays in reserve for what adds no bytes: offsets
 * go on being committed, and consumed batches being removed.
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
const TRANSACTION_WRITES_MAX = BOUNDS.log.transactionWritesMax
const TRANSACTION_BYTES_MAX = BOUNDS.log.transactionBytesMax
const RESERVE_BYTES = BOUNDS.log.reserveBytes
/** So much more must be free before appends are taken again, lest a nearly full disk takes one and refuses the next. */
const RESUME_BYTES = BOUNDS.log.transactionBytesMax

export class GroupCommit {
  readonly #environment: Environment
  readonly #onBroken: (error: CommitError) => void
  #queue: CommitUnit[] = []
  #running: Promise<void> | undefined
  #broken: CommitError | undefined
  #pendingBytes = 0
  /** What the disk said last. */
  #noRoom: CommitError | undefined

  /** `onBroken` is called once, when the storage refuses to go on. */
  constructor(environment: Environment, onBroken: (error: CommitError) => void) {
    this.#environment = environment
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

  /** Why units with bytes fail now; undefined when they do not. */
  async trouble(): Promise<string | undefined> {
    if (this.#broken !== undefined) return this.#broken.message
    // An empty transaction asks the disk again: with appends refused there may be no other.
    if (this.#noRoom !== undefined) await this.run(0, () => {}).catch(() => {})
    return this.#noRoom && String((this.#noRoom.cause as Error).message)
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
    while (this.#queue.length > 0) await this.#transact(await this.#withRoom(this.#take()))
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

  /** The units that the disk has room for; the others fail. */
  async #withRoom(units: CommitUnit[]): Promise<CommitUnit[]> {
    const besideBytes = RESERVE_BYTES + (this.#noRoom === undefined ? 0 : RESUME_BYTES)
    const noRoom = await this.#provide(units, besideBytes)
    this.#noRoom = noRoom
    if (noRoom === undefined) return units
    const others = units.filter(({ bytes }) => bytes === 0)
    this.#settle(
      units.filter(({ bytes }) => bytes > 0),
      noRoom,
    )
    const evenForThem = await this.#provide(others, 0)
    if (evenForThem === undefined) return others
    this.#settle(others, evenForThem)
    return []
  }

  async #provide(units: readonly CommitUnit[], reserveBytes: number): Promise<CommitError | undefined> {
    const need = { writes: sum(units, 'writes'), bytes: sum(units, 'bytes') }
    try {
      await this.#environment.provide(need, reserveBytes)
      return undefined
    } catch (cause) {
      return new CommitError(true, cause)
    }
  }

  async #transact(units: CommitUnit[]): Promise<void> {
    if (units.length > 0) this.#settle(units, this.#broken ?? (await this.#tryCommit(units)))
  }

  #settle(units: readonly CommitUnit[], error: CommitError | undefined): void {
    for (const unit of units) {
      this.#pendingBytes -= unit.bytes
      if (error === undefined) unit.committed()
      else unit.failed(error)
    }
  }

  async #tryCommit(units: CommitUnit[]): Promise<CommitError | undefined> {
    try {
      await this.#environment.commit(() => {
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

const sum = (units: readonly CommitUnit[], what: 'writes' | 'bytes'): number =>
  units.reduce((total, unit) => total + unit[what], 0)

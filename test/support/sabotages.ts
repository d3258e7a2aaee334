import { registerHooks } from 'node:module'
import { decodeEnvelope, encodeEnvelope } from '../../runtime/job/envelope.ts'
import type { Outcome } from '../../runtime/job/outcome.ts'
import type {
  AppendVerdict,
  ConsumeOptions,
  DeliveredBatch,
  Log,
  LogConsumer,
  LogRecord,
} from '../../runtime/log/log.ts'
import type { JobStore } from '../../runtime/store/job-store.ts'
import type { NodeParts } from '../../supervisors/node.ts'

/** Ways to break a node from the outside, each of which breaks a promise; by name, what the node is then made of. */
export const SABOTAGES: Readonly<Record<string, () => NodeParts>> = {
  /** S1: the answer comes, the append follows. */
  'answer-before-append': () => withLog((log) => new LateLog(log)),
  /** S1: the log writes to the page cache, and no further. */
  'no-sync': () => {
    registerHooks({
      resolve: (specifier, context, next) =>
        next(specifier === 'lmdb' && context.parentURL !== UNSYNCED ? UNSYNCED : specifier, context),
    })
    return withLog((log) => log)
  },
  /** S4: what is delivered counts as finished. */
  'offsets-first': () => withLog((log) => new HastyLog(log)),
  /** S3: of the backlog, a part is dropped. */
  'dropped-job': () => withLog((log) => new LeakyLog(log)),
  /** S3: of the jobs that are done, a part is written down as dead. */
  'buried-job': () => ({ ...withLog((log) => log), aroundStore: burying }),
  /** Poison: a part of the good jobs is charged for the death of others, and of the dead nobody knows why. */
  'wrong-blame': () => ({ ...withLog((log) => log), aroundStore: (store) => charging(forgetting(store)) }),
  /** The node falls by itself, as if it had been killed. */
  'own-end': () => withLog((log) => new FatalLog(log)),
  /** S5: nobody knows of ordering keys. */
  'order-ignored': () => withLog((log) => new KeylessLog(log)),
  /** L3: the node is gone at the signal. */
  'abrupt-stop': () => {
    process.on('SIGTERM', () => process.exit(0))
    return withLog((log) => log)
  },
}

const UNSYNCED = new URL('unsynced-lmdb.ts', import.meta.url).href

const withLog = (around: (log: Log) => Log): NodeParts => ({
  openStorage: async (...of) => {
    const { openStorage } = await import('../../supervisors/storage.ts')
    const storage = await openStorage(...of)
    return { ...storage, log: around(storage.log) }
  },
  aroundStore: (store) => store,
})

/** A log that does as another says; sabotages change one thing of it. */
abstract class LogAround implements Log {
  protected readonly log: Log

  constructor(log: Log) {
    this.log = log
  }

  get partitions(): ReadonlyMap<string, number> {
    return this.log.partitions
  }

  append(records: readonly LogRecord[]): Promise<AppendVerdict[]> {
    return this.log.append(records)
  }

  consume(options: ConsumeOptions): Promise<LogConsumer> {
    return this.log.consume(options)
  }

  progress(...of: Parameters<Log['progress']>): ReturnType<Log['progress']> {
    return this.log.progress(...of)
  }

  expire(nowMs: number): Promise<void> {
    return this.log.expire(nowMs)
  }

  close(): Promise<void> {
    return this.log.close()
  }
}

const LATE_MS = 100

class LateLog extends LogAround {
  override async append(records: readonly LogRecord[]): Promise<AppendVerdict[]> {
    const copies = records.map((record) => ({ ...record, value: record.value.slice() }))
    setTimeout(() => void this.log.append(copies), LATE_MS)
    return records.map(() => 'acked')
  }
}

class HastyLog extends LogAround {
  override async consume(options: ConsumeOptions): Promise<LogConsumer> {
    const onBatch = (batch: DeliveredBatch): void => {
      const { lane, partition, records } = batch
      const last = records.at(-1)
      if (last) setImmediate(() => void consumer.commit([{ lane, partition, offset: last.offset + 1 }]))
      options.onBatch(batch)
    }
    const consumer = await this.log.consume({ ...options, onBatch })
    return consumer
  }
}

/** Every so many records. */
const DROPPED_EVERY = 20

/** Only of the backlog that it starts on: so the drop is found when the node has worked that off, and not before. */
class LeakyLog extends LogAround {
  override async consume(options: ConsumeOptions): Promise<LogConsumer> {
    const ends = new Map<string, number>()
    for (const { lane, partition, end } of await this.log.progress(options.group, options.lanes))
      ends.set(`${lane}/${partition}`, end)
    let delivered = 0
    const onBatch = ({ lane, partition, records }: DeliveredBatch): void => {
      // The newest of the backlog stays: the watermark passes a dropped record when a later one comes.
      const end = (ends.get(`${lane}/${partition}`) ?? 0) - 1
      const kept = records.filter(({ offset }) => offset >= end || ++delivered % DROPPED_EVERY > 0)
      options.onBatch({ lane, partition, records: kept })
    }
    return this.log.consume({ ...options, onBatch })
  }
}

/** Jobs taken until then; fewer than a run waits for before it kills. */
const TAKEN_MAX = 100

class FatalLog extends LogAround {
  #taken = 0

  override append(records: readonly LogRecord[]): Promise<AppendVerdict[]> {
    this.#taken += records.length
    if (this.#taken > TAKEN_MAX) process.kill(process.pid, 'SIGKILL')
    return this.log.append(records)
  }
}

/** Every so many outcomes. */
const BURIED_EVERY = 20
const CHARGED_EVERY = 20

function burying(store: JobStore): JobStore {
  let outcomes = 0
  return withCommit(store, (outcome) => {
    if (outcome.state !== 'done' || ++outcomes % BURIED_EVERY > 0) return outcome
    const { result: _, ...rest } = outcome
    return { ...rest, state: 'dead', writes: [], error: { code: 'handler-error', message: 'buried' } }
  })
}

function charging(store: JobStore): JobStore {
  let outcomes = 0
  return withCommit(store, (outcome) => {
    const { envelope, origin, state } = outcome
    if (state !== 'done' || origin.from !== 'log' || ++outcomes % CHARGED_EVERY > 0) return outcome
    return { ...outcome, envelope: { ...envelope, attempt: envelope.attempt + 1 } }
  })
}

const forgetting = (store: JobStore): JobStore =>
  withCommit(store, (outcome) =>
    outcome.state === 'dead'
      ? { ...outcome, error: { code: 'handler-error', message: 'it failed' } }
      : outcome,
  )

/** A store that is told other outcomes than there were. */
function withCommit(store: JobStore, changed: (outcome: Outcome) => Outcome): JobStore {
  const commit: JobStore['commit'] = (batch) => store.commit(batch.map(changed))
  return new Proxy(store, {
    get: (of, name) => {
      if (name === 'commit') return commit
      const member = Reflect.get(of, name)
      return typeof member === 'function' ? member.bind(of) : member
    },
  })
}

class KeylessLog extends LogAround {
  override append(records: readonly LogRecord[]): Promise<AppendVerdict[]> {
    return this.log.append(
      records.map((record) => ({
        ...record,
        value: encodeEnvelope({ ...decodeEnvelope(record.value), orderingKey: undefined }),
      })),
    )
  }
}

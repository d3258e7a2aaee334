/**
 * The log port: durable, partitioned, ordered within a partition, consumed by groups. Adapters: `lmdb-log.ts`
 * (embedded); every adapter passes `test/suites/log-suite.ts`.
 *
 * It knows lanes as names and records as bytes; what is in them is not its business.
 */
export interface Log {
  /** Lane name → number of partitions; fixed for the life of the log. */
  readonly partitions: ReadonlyMap<string, number>

  /**
   * Appends a batch, one verdict per record in the order given; never rejects. Records of one partition keep their
   * order. `acked` means durable: it survives a crash of the process and of the machine.
   */
  append(records: readonly LogRecord[]): Promise<AppendVerdict[]>

  /** Starts to deliver from the group's committed offsets; from the beginning where it has none. */
  consume(options: ConsumeOptions): Promise<LogConsumer>

  /** Per partition of these lanes: what is in the log and how far the group is. */
  progress(group: string, lanes: readonly string[]): Promise<PartitionProgress[]>

  /** Applies the retention bounds once: by age and size, never past a group's committed offset. */
  expire(nowMs: number): Promise<void>

  /** Waits for appends under way, stops every consumer, releases the storage. */
  close(): Promise<void>
}

export interface LogRecord {
  lane: string
  partition: number
  value: Uint8Array
  /** W3C trace context of the record, a header on Kafka. */
  traceparent: string
}

/** `failed`: certainly not in the log. `unknown`: it may be, now or later (a lost answer). */
export type AppendVerdict = 'acked' | 'failed' | 'unknown'

export interface ConsumeOptions {
  group: string
  lanes: readonly string[]
  /** Synchronous hand-over; bound it with `pause`. Batches of one partition come in order. */
  onBatch(batch: DeliveredBatch): void
  /** The consumer can't go on by itself (also when `onBatch` throws); it is stopped and its owner decides. */
  onFailure(error: Error): void
}

export interface DeliveredBatch {
  lane: string
  partition: number
  records: readonly DeliveredRecord[]
}

export interface DeliveredRecord {
  offset: number
  appendedAtMs: number
  /** The receiver's to keep; a view, perhaps, on memory that its neighbours share: copy it before transferring it. */
  value: Uint8Array
}

export interface LogConsumer {
  /** No further batch of this partition is handed over until `resume`. Idempotent. */
  pause(lane: string, partition: number): void
  resume(lane: string, partition: number): void
  /** Offsets of the next record to deliver after a restart. Never moves a group backwards. */
  commit(positions: readonly Position[]): Promise<void>
  /** After it resolves no batch is handed over any more. Idempotent. */
  stop(): Promise<void>
}

export interface Position {
  lane: string
  partition: number
  offset: number
}

export interface PartitionProgress {
  lane: string
  partition: number
  /** Offset of the oldest record still kept. */
  begin: number
  /** Offset that the next appended record gets. */
  end: number
  committed: number
}

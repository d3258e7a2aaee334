import type { ActorContext, Behaviour, Reply } from '../../runtime/actor/actor.ts'
import { decodeEnvelope, type Envelope, EnvelopeError } from '../../runtime/job/envelope.ts'
import { identify, isJobId } from '../../runtime/job/id.ts'
import type { Job } from '../../runtime/job/job.ts'
import { type Lane, partitionKey } from '../../runtime/job/lane.ts'
import type { Origin, Outcome } from '../../runtime/job/outcome.ts'
import { continueTrace } from '../../runtime/job/trace.ts'
import type { DeliveredBatch, DeliveredRecord, Log, LogConsumer, Position } from '../../runtime/log/log.ts'
import { PartitionShare, type ShareBounds } from './partition-share.ts'

/**
 * One pool's consumer: brings its three lanes from the log into the pool's mailbox, pauses a partition whose share is
 * full, and commits the watermark of what has been finished. Finished means: in the job table (S4).
 */
export interface ConsumerOptions {
  log: Log
  group: string
  lanes: readonly Lane[]
  share: ShareBounds
  now: () => number
  /** How often the watermark is committed and the pressure reported. */
  commitEveryMs: number
  /** Hands jobs to the pool. False when it can't take them: the consumer fails and starts again from its offsets. */
  deliver(jobs: readonly Job[]): boolean
  /** Records that are no job: straight to the writer. */
  bury(outcomes: readonly Outcome[]): boolean
  reportHeadAge(headAgeMs: number): void
}

export type ConsumerMessage =
  | { type: 'finished'; origins: readonly Origin[] }
  | { type: 'tick' }
  /** Deliver nothing more; go on committing what is finished. */
  | { type: 'quiesce'; reply: Reply<void> }

export class Consumer implements Behaviour<ConsumerMessage> {
  readonly #options: ConsumerOptions
  readonly #shares = new Map<string, PartitionShare>()
  #consumer: LogConsumer | undefined
  #ticker: NodeJS.Timeout | undefined
  #committing: Promise<void> = Promise.resolve()
  #fail: (cause: unknown) => void = () => {}

  constructor(options: ConsumerOptions) {
    this.#options = options
  }

  async init(self: ActorContext<ConsumerMessage>): Promise<void> {
    const { log, group, lanes, share, commitEveryMs } = this.#options
    this.#fail = self.fail
    for (const { lane, partition, begin, committed } of await log.progress(group, lanes)) {
      const first = Math.max(begin, committed)
      this.#shares.set(partitionKey(lane, partition), new PartitionShare(lane, partition, first, share))
    }
    this.#consumer = await log.consume({
      group,
      lanes,
      onBatch: (batch) => this.#onBatch(batch),
      onFailure: self.fail,
    })
    this.#ticker = setInterval(() => self.self.tell({ type: 'tick' }), commitEveryMs)
  }

  async receive(message: ConsumerMessage): Promise<void> {
    switch (message.type) {
      case 'finished':
        for (const origin of message.origins) this.#finish(origin)
        break
      case 'tick':
        this.#tick()
        break
      case 'quiesce':
        await this.#consumer?.stop()
        message.reply.answer(undefined)
    }
  }

  async terminate(): Promise<void> {
    clearInterval(this.#ticker)
    await this.#consumer?.stop()
    this.#commit()
    await this.#committing
  }

  inspect(): Record<string, unknown> {
    const nowMs = this.#options.now()
    return {
      partitions: [...this.#shares.values()].map((share) => ({
        partition: partitionKey(share.lane, share.partition),
        outstandingJobs: share.outstandingJobs,
        paused: share.isPaused,
        headAgeMs: share.headAppendedAtMs === undefined ? 0 : nowMs - share.headAppendedAtMs,
      })),
    }
  }

  #onBatch({ lane, partition, records }: DeliveredBatch): void {
    const share = this.#shares.get(partitionKey(lane, partition))
    if (!share) throw new Error(`partition ${partition} of lane ${lane} is not one of this consumer's`)
    const jobs: Job[] = []
    const buried: Outcome[] = []
    for (const record of records) {
      share.deliver(record)
      const origin: Origin = { from: 'log', lane, partition, offset: record.offset }
      try {
        const envelope = decodeEnvelope(record.value)
        if (!isJobId(envelope.id))
          throw new EnvelopeError(`its id ${JSON.stringify(envelope.id)} is no job id`)
        jobs.push({ envelope, origin, encoded: record.value })
      } catch (cause) {
        if (!(cause instanceof EnvelopeError)) throw cause
        buried.push(burial(record, origin, cause))
      }
    }
    if (share.isFull) this.#pause(share)
    if (!this.#options.deliver(jobs) || (buried.length > 0 && !this.#options.bury(buried)))
      throw new Error('the pool takes no more jobs although their shares have room')
  }

  #finish(origin: Origin): void {
    if (origin.from !== 'log') return
    const share = this.#shares.get(partitionKey(origin.lane, origin.partition))
    share?.finish(origin.offset)
    if (share?.isPaused && share.hasRoom) {
      share.isPaused = false
      this.#consumer?.resume(share.lane, share.partition)
    }
  }

  #pause(share: PartitionShare): void {
    share.isPaused = true
    this.#consumer?.pause(share.lane, share.partition)
  }

  #tick(): void {
    this.#commit()
    const nowMs = this.#options.now()
    let headAgeMs = 0
    for (const { lane, headAppendedAtMs } of this.#shares.values())
      if (headAppendedAtMs !== undefined && !lane.endsWith('.low'))
        headAgeMs = Math.max(headAgeMs, nowMs - headAppendedAtMs)
    this.#options.reportHeadAge(headAgeMs)
  }

  /** One commit at a time: offsets never go backwards. */
  #commit(): void {
    const positions: Position[] = []
    for (const share of this.#shares.values()) {
      const offset = share.takeCommit()
      if (offset !== undefined) positions.push({ lane: share.lane, partition: share.partition, offset })
    }
    if (positions.length === 0) return
    this.#committing = this.#committing.then(() => this.#consumer?.commit(positions)).catch(this.#fail)
  }
}

/** A record that is no envelope becomes a dead job under an id of its own: nothing that was accepted disappears (S3). */
function burial({ value, appendedAtMs }: DeliveredRecord, origin: Origin, error: EnvelopeError): Outcome {
  const source = { tenant: 'unknown', kind: 'unknown', idempotencyKey: undefined, body: value }
  const { id, bodyHash } = identify(source, appendedAtMs)
  const envelope: Envelope = {
    id,
    tenant: source.tenant,
    kind: source.kind,
    tier: 'low',
    orderingKey: undefined,
    attempt: 1,
    acceptedAtMs: appendedAtMs,
    traceparent: continueTrace(undefined).traceparent,
    keyed: false,
    unclaimed: false,
    bodyHash,
    body: value,
  }
  return {
    envelope,
    origin,
    state: 'dead',
    writes: [],
    skipped: [],
    error: { code: 'bad-envelope', message: error.message },
    startedAtMs: appendedAtMs,
    finishedAtMs: appendedAtMs,
  }
}

import type { ActorContext, Behaviour, Reply } from '../../runtime/actor/actor.ts'
import { decodeEnvelope, type Envelope, EnvelopeError } from '../../runtime/job/envelope.ts'
import { identify, isJobId } from '../../runtime/job/id.ts'
import type { Job } from '../../runtime/job/job.ts'
import { type Lane, partitionKey } from '../../runtime/job/lane.ts'
import type { Origin, Outcome } from '../../runtime/job/outcome.ts'
import { continueTrace } from '../../runtime/job/trace.ts'
import type {
  DeliveredBatch,
  DeliveredRecord,
  Log,
  LogConsumer,
  PartitionProgress,
  Position,
} from '../../runtime/log/log.ts'
import type { JobStore } from '../../runtime/store/job-store.ts'
import { askJobTable, type Patience } from './ask-job-table.ts'
import { PartitionShare, type ShareBounds } from './partition-share.ts'
import type { SoloTurn } from './solo-turn.ts'

/**
 * One pool's consumer: brings its three lanes from the log into the pool's mailbox, pauses a partition whose share is
 * full, and commits the watermark of what has been finished. Finished means: in the job table (S4).
 *
 * A partition that is assigned `assignedMax` times without progress starts in quarantine: one of its jobs may end the
 * process each time. Those that may have been begun go to the job table unrun, to run alone from there.
 */
export interface ConsumerOptions {
  log: Log
  group: string
  lanes: readonly Lane[]
  store: Pick<JobStore, 'noteAssignment' | 'forgetAssignments'>
  /** For the job table's answer at the start. */
  patience: Patience
  assignedMax: number
  /** Of the node: held, by the group's name, until all is finished that may have been begun before. */
  soloTurn: Pick<SoloTurn, 'hold' | 'free'>
  share: ShareBounds
  now: () => number
  /** How often the watermark is committed and the pressure reported. */
  commitEveryMs: number
  /** Hands jobs to the pool. False when it can't take them: the consumer fails and starts again from its offsets. */
  deliver(jobs: readonly Job[]): boolean
  /** The same for jobs that must not run here and now: straight to the writer, into quarantine. */
  quarantine(jobs: readonly Job[]): boolean
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
  #isPastDone = false
  #committing: Promise<void> = Promise.resolve()
  #self: ActorContext<ConsumerMessage> | undefined

  constructor(options: ConsumerOptions) {
    this.#options = options
  }

  async init(self: ActorContext<ConsumerMessage>): Promise<void> {
    const { log, group, lanes, share, commitEveryMs, soloTurn } = this.#options
    this.#self = self
    self.ended.addEventListener('abort', () => this.#release(self))
    const progress = await log.progress(group, lanes)
    // Killed meanwhile, it holds nothing that nobody would give back.
    if (self.ended.aborted) return
    for (const { lane, partition, begin, end, committed } of progress) {
      const first = Math.max(begin, committed)
      const its = new PartitionShare(lane, partition, first, share)
      its.pastEnd = Math.min(end, first + share.windowJobsMax)
      this.#shares.set(partitionKey(lane, partition), its)
    }
    soloTurn.hold(group)
    self.ended.addEventListener('abort', () => soloTurn.free(group))
    this.#freeSoloTurn()
    await this.#noteAssignment(progress.filter(({ committed, end }) => committed < end))
    if (self.ended.aborted) return
    this.#consumer = await log.consume({
      group,
      lanes,
      onBatch: (batch) => this.#onBatch(batch),
      onFailure: (error) => self.fail(error),
    })
    // Killed meanwhile: nobody stops it but this.
    if (self.ended.aborted) return this.#release(self)
    this.#ticker = setInterval(() => self.self.tell({ type: 'tick' }), commitEveryMs)
  }

  async receive(message: ConsumerMessage): Promise<void> {
    switch (message.type) {
      case 'finished':
        for (const origin of message.origins) this.#finish(origin)
        this.#freeSoloTurn()
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
    if (this.#options.patience.isStopping()) await this.#leave()
  }

  /** Also of one that is killed, and has no `terminate`. */
  #release({ log }: ActorContext<ConsumerMessage>): void {
    clearInterval(this.#ticker)
    this.#consumer?.stop().catch((err) => log.warn({ err }, 'the consumer of the log did not stop'))
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

  /** Before the first job of it runs. Those of an empty partition are not to blame for anything yet. */
  async #noteAssignment(ahead: readonly PartitionProgress[]): Promise<void> {
    const { store, group, patience, assignedMax } = this.#options
    const counts = await askJobTable(() => store.noteAssignment(group, ahead), patience)
    for (const [i, { lane, partition, committed }] of ahead.entries()) {
      const share = this.#shares.get(partitionKey(lane, partition))
      const assigned = counts[i] ?? 1
      if (!share || assigned < assignedMax) continue
      share.isPastSuspect = true
      this.#self?.log.warn(
        { lane, partition, assigned, jobs: share.pastEnd - committed },
        'a partition was assigned again and again without progress: its jobs run one at a time',
      )
    }
  }

  /** An orderly stop is no sign of poison, whatever it cut. Without the job table's answer it looks like one. */
  async #leave(): Promise<void> {
    const { store, group } = this.#options
    await store.forgetAssignments(group).catch((err) => {
      this.#self?.log.warn({ err, group }, 'the assignments cannot be forgotten: they are counted on')
    })
  }

  #onBatch({ lane, partition, records }: DeliveredBatch): void {
    const share = this.#shares.get(partitionKey(lane, partition))
    if (!share) throw new Error(`partition ${partition} of lane ${lane} is not one of this consumer's`)
    const jobs: Job[] = []
    const suspects: Job[] = []
    const buried: Outcome[] = []
    for (const record of records) {
      share.deliver(record)
      const origin: Origin = { from: 'log', lane, partition, offset: record.offset }
      try {
        const envelope = decodeEnvelope(record.value)
        if (!isJobId(envelope.id))
          throw new EnvelopeError(`its id ${JSON.stringify(envelope.id)} is no job id`)
        const isSuspect = share.isPastSuspect && record.offset < share.pastEnd
        ;(isSuspect ? suspects : jobs).push({ envelope, origin, encoded: record.value })
      } catch (cause) {
        if (!(cause instanceof EnvelopeError)) throw cause
        buried.push(burial(record, origin, cause))
      }
    }
    if (share.isFull) this.#pause(share)
    const { deliver, quarantine, bury } = this.#options
    const isTaken =
      (suspects.length === 0 || quarantine(suspects)) &&
      (buried.length === 0 || bury(buried)) &&
      (jobs.length === 0 || deliver(jobs))
    if (!isTaken) throw new Error('the pool takes no more jobs although their shares have room')
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

  #freeSoloTurn(): void {
    if (this.#isPastDone) return
    this.#isPastDone = this.#shares.values().every((share) => share.isPastDone)
    if (this.#isPastDone) this.#options.soloTurn.free(this.#options.group)
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
    this.#committing = this.#committing
      .then(() => this.#consumer?.commit(positions))
      .catch((cause) => this.#self?.fail(cause))
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

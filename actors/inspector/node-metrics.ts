import type { HttpStats } from '../../runtime/http/http-stats.ts'
import { POOLS, type Pool } from '../../runtime/job/lane.ts'
import type { Outcome } from '../../runtime/job/outcome.ts'
import type { PartitionProgress } from '../../runtime/log/log.ts'
import { Metrics, type Sample } from '../../runtime/observe/metrics.ts'
import type { CommitVerdict } from '../../runtime/store/job-store.ts'
import type { ThreadRef } from '../../runtime/threads/thread-child.ts'

/**
 * Every metric of a node, declared once. Stages keep plain numbers; they are read here when somebody scrapes. The numbers
 * live as long as the node: an actor or a thread that restarts goes on counting.
 */
const ACK_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]
const STORED_BUCKETS_S = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300]
const HANDLER_BUCKETS_S = [0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30]

interface AcceptorCounters {
  readonly accepted: number
  readonly replayed: number
  readonly refused: number
  readonly appendBatches: number
}

interface WriterCounters {
  readonly commits: number
  readonly transientErrors: number
}

interface IngressCounters {
  readonly http: HttpStats
  readonly requestsInFlight: number
}

interface NodeMetricsSources {
  acceptor: AcceptorCounters
  writers: Readonly<Record<Pool, WriterCounters>>
  progress(): Promise<PartitionProgress[]>
  deadLetters(): number
  /** Called once: a person who starts a node waits for this. */
  onFirstStored(first: { id: string; afterMs: number }): void
}

export class NodeMetrics {
  readonly observeAck: (ms: number) => void
  readonly #metrics = new Metrics()
  readonly #settled = new Map<string, number>()
  readonly #ran: (kind: string) => (ms: number) => void
  readonly #stored: (pool: string, tier: string) => (ms: number) => void
  readonly #threads: ThreadRef[] = []
  #ingress: IngressCounters | undefined
  #onFirstStored: NodeMetricsSources['onFirstStored'] | undefined

  constructor(sources: NodeMetricsSources) {
    this.#onFirstStored = sources.onFirstStored
    const metrics = this.#metrics
    const ack = metrics.histogram(
      'spillway_ack_seconds',
      'From the arrival of a request to its 202.',
      [],
      ACK_BUCKETS_S,
    )()
    this.observeAck = (ms) => ack(ms / 1000)
    this.#ran = byLabels(
      metrics.histogram('spillway_handler_seconds', 'Time in the handler.', ['kind'], HANDLER_BUCKETS_S),
    )
    this.#stored = byLabels(
      metrics.histogram(
        'spillway_accept_to_stored_seconds',
        'From the acceptance of a job to the commit of its outcome.',
        ['pool', 'tier'],
        STORED_BUCKETS_S,
      ),
    )
    this.#declareAbsorber(sources.acceptor)
    this.#declarePools(sources.writers)
    metrics.gauge('spillway_lane_lag_jobs', 'Jobs in the log that are not finished.', ['lane'], async () =>
      lagPerLane(await sources.progress()),
    )
    metrics.counter('spillway_dead_letters_total', 'Messages to actors that did not read them.', [], () => [
      [sources.deadLetters()],
    ])
  }

  poolObserver(pool: Pool) {
    return {
      ran: (kind: string, durationMs: number): void => this.#ran(kind)(durationMs),
      committed: (
        { outcome, verdict }: { outcome: Outcome; verdict: CommitVerdict },
        nowMs: number,
      ): void => {
        const state = verdict.verdict === 'applied' ? outcome.state : verdict.verdict
        const key = `${pool}/${state}`
        this.#settled.set(key, (this.#settled.get(key) ?? 0) + 1)
        if (state !== 'done' && state !== 'thin') return
        const { id, tier, acceptedAtMs } = outcome.envelope
        this.#stored(pool, tier)(nowMs - acceptedAtMs)
        this.#onFirstStored?.({ id, afterMs: nowMs - acceptedAtMs })
        this.#onFirstStored = undefined
      },
    }
  }

  watchIngress(ingress: IngressCounters): void {
    this.#ingress = ingress
  }

  watchThreads(threads: readonly ThreadRef[]): void {
    this.#threads.push(...threads)
  }

  get contentType(): string {
    return this.#metrics.contentType
  }

  render(): Promise<string> {
    return this.#metrics.render()
  }

  #declareAbsorber(acceptor: AcceptorCounters): void {
    const http = (): HttpStats | undefined => this.#ingress?.http
    this.#metrics.counter(
      'spillway_http_requests_total',
      'Requests to the job API, by route.',
      ['route'],
      () => labelled(http()?.requests),
    )
    this.#metrics.counter(
      'spillway_http_responses_total',
      'Answers of the job API, by status.',
      ['status'],
      () => labelled(http()?.answers),
    )
    this.#metrics.counter('spillway_problems_total', 'Problems answered, by code.', ['code'], () =>
      labelled(http()?.problems),
    )
    this.#metrics.gauge('spillway_http_requests_in_flight', 'Requests that have no answer yet.', [], () => [
      [this.#ingress?.requestsInFlight ?? 0],
    ])
    this.#metrics.counter(
      'spillway_jobs_submitted_total',
      'Valid jobs, by what was answered.',
      ['answer'],
      () => [
        [acceptor.accepted, 'accepted'],
        [acceptor.replayed, 'replayed'],
        [acceptor.refused, 'refused'],
      ],
    )
    this.#metrics.counter('spillway_append_batches_total', 'Batches appended to the log.', [], () => [
      [acceptor.appendBatches],
    ])
  }

  #declarePools(counters: Readonly<Record<Pool, WriterCounters>>): void {
    this.#metrics.counter(
      'spillway_jobs_settled_total',
      'Commits, by what became of the job.',
      ['pool', 'state'],
      () => [...this.#settled].map(([key, count]) => [count, ...key.split('/')] as const),
    )
    const writers = (read: (writer: WriterCounters) => number): Sample[] =>
      POOLS.map((pool) => [read(counters[pool]), pool])
    this.#metrics.counter('spillway_writer_commits_total', 'Transactions of the writer.', ['pool'], () =>
      writers(({ commits }) => commits),
    )
    this.#metrics.counter(
      'spillway_writer_transient_errors_total',
      'Commits that had to be repeated.',
      ['pool'],
      () => writers(({ transientErrors }) => transientErrors),
    )
    const threads = (read: (view: Record<string, unknown>) => unknown): Sample[] =>
      this.#threads.map((ref) => [Number(read(ref.inspect()) ?? 0), ref.path])
    this.#metrics.gauge('spillway_thread_busy_jobs', 'Jobs under way on a thread.', ['thread'], () =>
      threads(({ busyJobs }) => busyJobs),
    )
    this.#metrics.gauge(
      'spillway_thread_heartbeat_age_seconds',
      'Since a thread gave a sign of life.',
      ['thread'],
      () => threads(({ heartbeatAgeMs }) => Number(heartbeatAgeMs ?? 0) / 1000),
    )
    this.#metrics.counter(
      'spillway_thread_starts_total',
      'Starts of a thread, the first included.',
      ['thread'],
      () => this.#threads.map((ref) => [ref.incarnation, ref.path]),
    )
  }
}

const labelled = (counts: Readonly<Record<string, number>> | undefined): Sample[] =>
  Object.entries(counts ?? {}).map(([label, count]) => [count, label])

/** Keeps the child of each combination of labels, which is dear to look up; in ms, because that is what is measured. */
function byLabels(labels: (...values: string[]) => (seconds: number) => void) {
  const children = new Map<string, (ms: number) => void>()
  return (...values: string[]): ((ms: number) => void) => {
    const key = values.join('/')
    let child = children.get(key)
    if (!child) {
      const observe = labels(...values)
      child = (ms) => observe(ms / 1000)
      children.set(key, child)
    }
    return child
  }
}

function lagPerLane(progress: readonly PartitionProgress[]): Iterable<Sample> {
  const lag = new Map<string, number>()
  for (const { lane, end, committed, begin } of progress)
    lag.set(lane, (lag.get(lane) ?? 0) + end - Math.max(begin, committed))
  return [...lag].map(([lane, jobs]) => [jobs, lane] as const)
}

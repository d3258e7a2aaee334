import { POOLS, type Pool } from '../job/lane.ts'
import { TIERS } from '../job/tier.ts'
import { atMost, type Conflict, product, type Quantity } from './conflict.ts'
import { type Config, type NumberPath, valueAt } from './settings.ts'

/**
 * Every bound that nobody should have to set, by the stage it belongs to in the order of a job's path. What a node is
 * configured with is in `settings.ts`; `checkBounds` holds the two together.
 */
export const BOUNDS = {
  kernel: {
    /** Latest dead letters kept for inspection; all are counted. */
    deadLettersKept: 200,
    /** Messages that wait for an actor; those of the path are batches. */
    mailboxMessagesMax: 10_000,
    /** A thread that is not up by then is given up. */
    threadStartTimeoutMs: 30_000,
    /** Messages that an actor handles before others get their turn. */
    messagesPerTurn: 256,
  },
  http: {
    /** Rest of a refused body that is read and thrown away, so that its client sees the answer; with more the connection ends. */
    skippedBodyBytesMax: 4_194_304,
  },
  ingress: {
    /** Lines of one batch request. */
    batchLinesMax: 1_000,
    /** Nesting of a body: deeper ones cost stack and serve nobody. */
    jsonDepthMax: 32,
    orderingKeyBytesMax: 256,
    idempotencyKeyBytesMax: 255,
  },
  accept: {
    /** Jobs claimed and appended together; a batch request goes in one piece. */
    batchJobsMax: 1_000,
    /** How long a duplicate waits for the owner of its claim before it is answered 409. */
    waitForOwnerMs: 200,
    /** How often that duplicate asks again for a claim that another node owns. */
    askAgainMs: 20,
    /** Jobs and bytes between their arrival and their answer; more are refused. */
    heldJobsMax: 50_000,
    heldBytesMax: 134_217_728,
    /** Partitions of a lane that one tenant's jobs go to. */
    shardPartitions: 2,
  },
  claims: {
    /** Claims not settled yet; with more, jobs are appended unclaimed. */
    pendingMax: 100_000,
  },
  consumer: {
    /** Records handed over in one batch. */
    batchJobsMax: 500,
    batchBytesMax: 1_048_576,
    /** Jobs that each partition may have in the mailbox, however many partitions there are. */
    partitionShareMin: 50,
    /** How often offsets are committed and the age of the oldest job is reported. */
    commitEveryMs: 200,
  },
  pool: {
    /** Jobs posted to a thread in one message: cheaper per job, yet no thread hoards what another could start. */
    threadBatchJobsMax: 64,
    /** V8's hard limit for the heap of a thread. */
    threadHeapMibMax: 512,
    /** Lines that the handlers of one thread may log; what is above is counted. */
    threadLogLinesPerSecondMax: 100,
    /** Age of the oldest job above which enrichments go off, and below which they come back. */
    thinAboveMs: 30_000,
    thinBelowMs: 10_000,
    /** A job's result, as JSON. */
    resultBytesMax: 65_536,
    /** Jobs taken from a partition beyond its first unfinished one. */
    watermarkWindowJobsMax: 50_000,
  },
  upstream: {
    simulatorHeapMibMax: 256,
    /** A response is cut off here: memory outside the heap is not watched. */
    responseBytesMax: 1_048_576,
  },
  writer: {
    /** How long an outcome waits for others to be committed with. */
    batchAgeMaxMs: 5,
    /** Outcomes that wait for their commit. */
    queueJobsMax: 10_000,
    /** Back-off while the database can't be reached. */
    transientRetryMinMs: 50,
    transientRetryMaxMs: 5_000,
  },
  store: {
    /** V8's hard limit for the thread of the embedded database; its WebAssembly memory is not in it. */
    heapMibMax: 1_024,
    /** Statements that wait for the embedded database. */
    statementsOutstandingMax: 1_000,
  },
  housekeeper: {
    /** Little and often: each round holds up the main thread. */
    logEveryMs: 1_000,
    storeEveryMs: 600_000,
  },
  due: {
    /** How often the job table is asked for what is due. */
    pollMs: 250,
    /** Rows that are claimed and not settled: more would see their leases end while they wait. */
    outstandingJobsMax: 400,
    /** How long a pool waits at its start for the job table. */
    startTimeoutMs: 60_000,
    /** Rows taken at once. */
    batchJobsMax: 200,
  },
} as const

/** Every relation among bounds, and between bounds and settings, that does not hold; each names both sides. */
export function checkBounds(config: Config): Conflict[] {
  const setting = settingOf(config)
  const claimsPending = bound('claims', 'pendingMax')
  const writerQueue = bound('writer', 'queueJobsMax')
  const acceptBatch = bound('accept', 'batchJobsMax')
  const body = setting('http.bodyBytesMax')
  return [
    ...atMost(bound('ingress', 'batchLinesMax'), acceptBatch, 'a batch request is accepted in one piece'),
    ...atMost(acceptBatch, claimsPending, 'a full batch could not be claimed'),
    ...atMost(
      setting('http.requestsInFlightMax'),
      claimsPending,
      'requests in flight could not all be claimed',
    ),
    ...atMost(bound('ingress', 'orderingKeyBytesMax'), body, 'it is part of the body'),
    ...atMost(
      bound('consumer', 'batchJobsMax'),
      bound('pool', 'watermarkWindowJobsMax'),
      'a batch must fit in',
    ),
    ...atMost(setting('store.batchJobsMax'), writerQueue, 'no commit could ever be that large'),
    ...atMost(bound('writer', 'transientRetryMinMs'), bound('writer', 'transientRetryMaxMs'), 'it grows'),
    ...atMost(bound('due', 'pollMs'), setting('store.leaseMs'), 'a lease would end before anyone looks'),
    ...POOLS.flatMap((pool) => checkPool(pool, setting)),
  ]
}

function checkPool(pool: Pool, setting: SettingOf): Conflict[] {
  const mailboxJobs = setting(`pools.${pool}.mailboxJobsMax`)
  const mailboxBytes = setting(`pools.${pool}.mailboxBytesMax`)
  const running = product(setting(`pools.${pool}.threads`), setting(`pools.${pool}.concurrency`))
  const tiers = { name: 'tiers', value: TIERS.length, settings: [] }
  const partitions = product(tiers, setting('log.partitionsPerLane'))
  const shares = product(partitions, bound('consumer', 'partitionShareMin'))
  const largestBodies = product(partitions, setting('http.bodyBytesMax'))
  return [
    ...atMost(running, bound('writer', 'queueJobsMax'), 'the outcomes of running jobs must find room'),
    ...atMost(bound('consumer', 'batchJobsMax'), mailboxJobs, 'a batch from the log must find room'),
    ...atMost(bound('due', 'batchJobsMax'), mailboxJobs, 'a batch from the job table must find room'),
    ...atMost(shares, mailboxJobs, 'each partition must get its share of the mailbox'),
    ...atMost(largestBodies, mailboxBytes, 'each partition must find room for the largest job'),
  ]
}

type Bounds = typeof BOUNDS

/** Named as the source code names it: `BOUNDS.writer.queueJobsMax`. */
const bound = <Stage extends keyof Bounds>(stage: Stage, name: keyof Bounds[Stage] & string): Quantity => ({
  name: `BOUNDS.${stage}.${name}`,
  value: BOUNDS[stage][name] as number,
  settings: [],
})

type SettingOf = ReturnType<typeof settingOf>
const settingOf =
  (config: Config) =>
  (path: NumberPath): Quantity => ({ name: path, value: valueAt(config, path), settings: [path] })

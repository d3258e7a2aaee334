import { POOLS, type Pool } from '../job/lane.ts'
import { TIERS } from '../job/tier.ts'
import { BOUNDS } from './bounds.ts'
import { atMost, type Conflict, product, type Quantity } from './conflict.ts'
import { type Config, type NumberPath, valueAt } from './settings.ts'

export type Bounds = {
  readonly [Stage in keyof typeof BOUNDS]: {
    readonly [Name in keyof (typeof BOUNDS)[Stage]]: number
  }
}

/** Every relation among bounds, and between bounds and settings, that does not hold; each names both sides. */
export function checkBounds(config: Config, bounds: Bounds = BOUNDS): Conflict[] {
  const bound = boundOf(bounds)
  const setting = settingOf(config)
  return [
    ...checkAbsorber(bound, setting),
    ...checkWork(bound, setting),
    ...checkStop(bound),
    ...POOLS.flatMap((pool) => checkPool(pool, bound, setting)),
  ]
}

/** From the request to the log. */
function checkAbsorber(bound: BoundOf, setting: SettingOf): Conflict[] {
  const claimsPending = bound('claims', 'pendingMax')
  const batchLines = bound('ingress', 'batchLinesMax')
  const batchBytes = setting('http.batchBytesMax')
  const acceptBatch = bound('accept', 'batchJobsMax')
  const requests = setting('http.requestsInFlightMax')
  return [
    ...atMost(batchLines, acceptBatch, 'a batch request is accepted in one piece'),
    ...atMost(batchLines, bound('accept', 'heldJobsMax'), 'a batch request could never be held'),
    ...atMost(batchBytes, bound('accept', 'heldBytesMax'), 'a batch request could never be held'),
    ...atMost(
      bound('accept', 'batchBytesMax'),
      bound('log', 'pendingBytesMax'),
      'no full append would be taken',
    ),
    ...atMost(bound('accept', 'appendAtOnceJobs'), acceptBatch, 'a full batch would wait'),
    ...atMost(acceptBatch, claimsPending, 'a full batch could not be claimed'),
    ...atMost(requests, claimsPending, 'requests in flight could not all be claimed'),
    ...atMost(
      bound('ingress', 'orderingKeyBytesMax'),
      setting('http.bodyBytesMax'),
      'it is part of the body',
    ),
    ...atMost(bound('accept', 'askAgainMs'), bound('accept', 'waitForOwnerMs'), 'it would be asked too late'),
  ]
}

/** From the log to the job table, and back from there. */
function checkWork(bound: BoundOf, setting: SettingOf): Conflict[] {
  const writerQueue = bound('writer', 'queueJobsMax')
  const lease = setting('store.leaseMs')
  const retryMax = bound('writer', 'transientRetryMaxMs')
  return [
    ...atMost(
      bound('consumer', 'batchJobsMax'),
      bound('pool', 'watermarkWindowJobsMax'),
      'a batch must fit in',
    ),
    ...atMost(bound('pool', 'threadBatchJobsMax'), writerQueue, 'a batch must find room for its outcomes'),
    ...atMost(
      bound('pool', 'threadWatermarkMib'),
      bound('pool', 'threadHeapMibMax'),
      'V8 would end the process first',
    ),
    ...atMost(bound('pool', 'thinBelowMs'), bound('pool', 'thinAboveMs'), 'thin mode would flap'),
    ...atMost(setting('store.batchJobsMax'), writerQueue, 'no commit could ever be that large'),
    ...atMost(bound('writer', 'transientRetryMinMs'), retryMax, 'it grows'),
    ...atMost(retryMax, lease, 'a lease would end while its outcome waits for the database'),
    ...atMost(bound('due', 'pollMs'), lease, 'a lease would end before anyone looks'),
    ...atMost(
      bound('due', 'batchJobsMax'),
      bound('due', 'outstandingJobsMax'),
      'a batch could never be claimed',
    ),
  ]
}

function checkStop(bound: BoundOf): Conflict[] {
  const [quiesce, finish, release] = (['quiesceShare', 'finishShare', 'releaseShare'] as const).map((name) =>
    bound('drain', name),
  ) as [Quantity, Quantity, Quantity]
  const restartDelayMax = bound('kernel', 'restartDelayMaxMs')
  return [
    ...atMost(quiesce, finish, 'steps follow each other'),
    ...atMost(finish, release, 'steps follow each other'),
    ...atMost(release, { name: 'the whole', value: 1, settings: [] }, 'what is left over is for closing'),
    ...atMost(bound('kernel', 'restartDelayMinMs'), restartDelayMax, 'it grows'),
    ...atMost(bound('kernel', 'restartDelayMinMs'), bound('pool', 'threadRestartDelayMaxMs'), 'it grows'),
    ...atMost(
      bound('kernel', 'threadWatchTickMs'),
      bound('kernel', 'threadStallGraceMs'),
      'it would be seen too late',
    ),
    ...atMost(
      bound('kernel', 'threadUnresponsiveMs'),
      bound('kernel', 'threadLastingMs'),
      'it is shown before the node is told',
    ),
  ]
}

function checkPool(pool: Pool, bound: BoundOf, setting: SettingOf): Conflict[] {
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
    ...atMost(bound('consumer', 'batchBytesMax'), mailboxBytes, 'a batch from the log must find room'),
    ...atMost(bound('due', 'batchJobsMax'), mailboxJobs, 'a batch from the job table must find room'),
    ...atMost(shares, mailboxJobs, 'each partition must get its share of the mailbox'),
    ...atMost(largestBodies, mailboxBytes, 'each partition must find room for the largest job'),
  ]
}

type BoundOf = ReturnType<typeof boundOf>
/** Named as the source code names it: `BOUNDS.writer.queueJobsMax`. */
const boundOf =
  (bounds: Bounds) =>
  <Stage extends keyof Bounds>(stage: Stage, name: keyof Bounds[Stage] & string): Quantity => ({
    name: `BOUNDS.${stage}.${name}`,
    value: bounds[stage][name] as number,
    settings: [],
  })

type SettingOf = ReturnType<typeof settingOf>
const settingOf =
  (config: Config) =>
  (path: NumberPath): Quantity => ({ name: path, value: valueAt(config, path), settings: [path] })

import { Consumer, type ConsumerMessage } from '../actors/consumer/consumer.ts'
import { DuePoller, type DuePollerMessage } from '../actors/consumer/due-poller.ts'
import { Pool, type PoolMessage } from '../actors/pool/pool.ts'
import type { PoolThreadArgs } from '../actors/pool/pool-thread.ts'
import type { FromPoolThread } from '../actors/pool/thread-protocol.ts'
import { Writer, type WriterMessage } from '../actors/writer/writer.ts'
import type { ActorCell } from '../runtime/actor/actor-cell.ts'
import { BOUNDS } from '../runtime/config/bounds.ts'
import { DEFAULT_RETRY } from '../runtime/handler/define-handler.ts'
import { tableIdentities } from '../runtime/handler/table-identity.ts'
import { lanesOf, type Pool as PoolName } from '../runtime/job/lane.ts'
import { actorChild } from '../runtime/supervision/actor-child.ts'
import type { ChildSpec } from '../runtime/supervision/child-spec.ts'
import type { RestartIntensity } from '../runtime/supervision/restart-window.ts'
import { supervisorChild } from '../runtime/supervision/supervisor-child.ts'
import { type ThreadRef, threadChild } from '../runtime/threads/thread-child.ts'
import { ThreadGroup } from '../runtime/threads/thread-group.ts'
import type { Draining } from './drain-steps.ts'
import { ifNotStopping } from './if-not-stopping.ts'
import type { NodeContext } from './node-context.ts'
import { poolDraining } from './pool-draining.ts'
import { poolThreadWatch } from './pool-thread-watch.ts'

/**
 * One pool, a bulkhead: its own threads, mailbox, writer, consumer and restart budget.
 *
 *     /node/pools/pool-a           one_for_all: they share what is in flight
 *       writer
 *       threads/thread-1 …         one_for_one: the pool survives the death of its threads
 *       pool                       the mailbox and who is next
 *       due                        tells the pool which keys the job table holds, then brings what is due
 *       consumer                   brings jobs from the log
 *
 * What they send each other goes through the sender's fence (`self.to`): a killed one that still awaits the database or the
 * log brings nothing more.
 */
export function poolSubtree(
  node: NodeContext,
  name: PoolName,
): { spec: ChildSpec; ref: ActorCell<PoolMessage>; draining: Draining } {
  const { system, config, log, store, handlers, metrics, stats, soloTurn, isStopping } = node
  const path = `/node/pools/pool-${name}`
  const settings = config.pools[name]
  const lanes = lanesOf(name)
  const partitions = lanes.reduce((sum, lane) => sum + (log.partitions.get(lane) ?? 0), 0)

  const writer = actorChild<WriterMessage>(system, {
    path: `${path}/writer`,
    mailbox: BOUNDS.kernel.mailboxMessagesMax,
    create: (self) =>
      new Writer({
        store,
        batchJobsMax: config.store.batchJobsMax,
        batchAgeMaxMs: BOUNDS.writer.batchAgeMaxMs,
        // Beside what was run: all that may be delivered can turn out to be parked.
        queueJobsMax:
          BOUNDS.writer.queueJobsMax + settings.mailboxJobsMax + partitions * BOUNDS.consumer.batchJobsMax,
        transientRetry: {
          minMs: BOUNDS.writer.transientRetryMinMs,
          maxMs: BOUNDS.writer.transientRetryMaxMs,
        },
        random: system.random,
        stats: stats.writers[name],
        onCommitted: (results) => {
          const origins = results.map(({ outcome }) => outcome.origin)
          const told = [
            self.to(pool.ref).tell({ type: 'committed', results }),
            self.to(consumer.ref).tell({ type: 'finished', origins }),
          ]
          const claims = results
            .filter(({ outcome }) => outcome.origin.from === 'table')
            .map(({ outcome: { envelope } }) => ({ id: envelope.id, attempt: envelope.attempt }))
          if (claims.length > 0) told.push(self.to(due.ref).tell({ type: 'settled', claims }))
          if (told.includes('full')) throw new Error('a commit cannot be told: a mailbox is full')
        },
      }),
  })

  const threads = poolThreads(node, name, `${path}/threads`, () => pool.ref)

  const pool = actorChild<PoolMessage>(system, {
    path: `${path}/pool`,
    mailbox: BOUNDS.kernel.mailboxMessagesMax,
    create: (self) =>
      new Pool({
        threads: threads.refs,
        concurrency: settings.concurrency,
        threadBatchJobsMax: BOUNDS.pool.threadBatchJobsMax,
        outstandingJobsMax: BOUNDS.writer.queueJobsMax,
        thin: { onAboveMs: BOUNDS.pool.thinAboveMs, offBelowMs: BOUNDS.pool.thinBelowMs },
        retryOf: (kind) => handlers.get(kind)?.retry ?? DEFAULT_RETRY,
        now: system.now,
        random: system.random,
        commit: (outcomes) => self.to(writer.ref).tell({ type: 'commit', outcomes }) === 'accepted',
        observer: metrics.poolObserver(name),
      }),
  })

  const patience = {
    everyMs: BOUNDS.due.pollMs,
    timeoutMs: BOUNDS.due.startTimeoutMs,
    now: system.now,
    isStopping,
  }
  const claims = new Map<string, number>()
  const due = actorChild<DuePollerMessage>(system, {
    path: `${path}/due`,
    mailbox: BOUNDS.kernel.mailboxMessagesMax,
    create: ifNotStopping(
      isStopping,
      (self) =>
        new DuePoller({
          store,
          pool: name,
          pollMs: BOUNDS.due.pollMs,
          batchJobsMax: BOUNDS.due.batchJobsMax,
          outstandingJobsMax: BOUNDS.due.outstandingJobsMax,
          patience,
          claims,
          soloTurn,
          now: system.now,
          hold: (keys) => self.to(pool.ref).tell({ type: 'held', keys }),
          deliver: (jobs) => self.to(pool.ref).tell({ type: 'delivered', jobs }) === 'accepted',
        }),
    ),
  })

  const consumer = actorChild<ConsumerMessage>(system, {
    path: `${path}/consumer`,
    mailbox: BOUNDS.kernel.mailboxMessagesMax,
    create: ifNotStopping(
      isStopping,
      (self) =>
        new Consumer({
          log,
          group: groupOf(name),
          lanes,
          store,
          patience,
          assignedMax: BOUNDS.consumer.assignedMax,
          soloTurn,
          share: {
            jobsMax: Math.max(
              BOUNDS.consumer.partitionShareMin,
              Math.floor(settings.mailboxJobsMax / partitions),
            ),
            bytesMax: Math.floor(settings.mailboxBytesMax / partitions),
            windowJobsMax: BOUNDS.pool.watermarkWindowJobsMax,
          },
          now: system.now,
          commitEveryMs: BOUNDS.consumer.commitEveryMs,
          deliver: (jobs) => self.to(pool.ref).tell({ type: 'delivered', jobs }) === 'accepted',
          quarantine: (jobs) => self.to(pool.ref).tell({ type: 'quarantine', jobs }) === 'accepted',
          bury: (outcomes) => self.to(pool.ref).tell({ type: 'bury', outcomes }) === 'accepted',
          reportHeadAge: (headAgeMs) => self.to(pool.ref).tell({ type: 'head-age', headAgeMs }),
        }),
    ),
  })

  const children = [writer.spec, threads.spec, pool.spec, due.spec, consumer.spec]
  return {
    ref: pool.ref,
    spec: supervisorChild(system, { path, strategy: 'one_for_all', children }),
    draining: poolDraining(
      { due: due.ref, consumer: consumer.ref, pool: pool.ref },
      config.node.drainTimeoutMs,
    ),
  }
}

/**
 * A thread that dies is the fault of a job, and charged to that: a thousand poisoned jobs are no reason to stop the pool,
 * while threads that do not come up are one.
 */
const FAILED_STARTS: RestartIntensity = {
  intensity: BOUNDS.kernel.restartsMax,
  periodMs: BOUNDS.kernel.restartPeriodMs,
  failedStartsOnly: true,
}

/** Short: with one thread in the back-off a pool has one thread less. */
const THREAD_BACKOFF = {
  minMs: BOUNDS.kernel.restartDelayMinMs,
  maxMs: BOUNDS.pool.threadRestartDelayMaxMs,
  resetMs: BOUNDS.pool.threadRestartResetMs,
}

/** What pool `name` consumes the log as. */
export const groupOf = (name: PoolName): string => `spillway.pool-${name}`

/** The threads of one pool, each replaced by itself when it dies. */
function poolThreads(
  { system, config, handlers, metrics, upstreams }: NodeContext,
  name: PoolName,
  path: string,
  pool: () => ActorCell<PoolMessage>,
): { spec: ChildSpec; refs: ThreadRef[] } {
  const { threads: threadsMax, concurrency } = config.pools[name]
  const group = new ThreadGroup({
    name: `pool-${name}`,
    threadsMax,
    heapMibMax: BOUNDS.pool.threadHeapMibMax,
    keepsSpare: true,
    nice: BOUNDS.pool.threadNice,
    log: system.log,
  })
  const watch = poolThreadWatch(system.log)
  const tables = tableIdentities(handlers.values())
  const args = (): PoolThreadArgs => ({
    handlersDirectory: config.handlers.directory,
    tables,
    upstreams: upstreams(),
    reportBatchJobsMax: BOUNDS.pool.threadBatchJobsMax,
    logLinesPerSecondMax: BOUNDS.pool.threadLogLinesPerSecondMax,
  })
  const children = Array.from({ length: threadsMax }, (_, index) => {
    const threadPath = `${path}/thread-${index + 1}`
    const threadLog = system.log.child({ actor: threadPath, pool: name })
    return threadChild(system, {
      path: threadPath,
      group,
      watch,
      module: new URL('../actors/pool/pool-thread.ts', import.meta.url).href,
      args,
      // A message brings one job at least.
      capacity: concurrency,
      // When it is stopped, its pool has been: nobody hears what it could still report.
      shutdown: 'brutal_kill',
      startTimeoutMs: BOUNDS.kernel.threadStartTimeoutMs,
      onUp: () => pool().tell({ type: 'thread-up', path: threadPath }),
      onMessage: (message) => {
        const received = message as FromPoolThread
        if ('reports' in received)
          pool().tell({ type: 'reported', path: threadPath, reports: received.reports })
        else threadLog[received.log.level](received.log.fields, received.log.message)
      },
    })
  })
  const refs = children.map(({ ref }) => ref)
  metrics.watchThreads(refs)
  const specs = children.map(({ spec }) => spec)
  const spec = supervisorChild(system, {
    path,
    strategy: 'one_for_one',
    intensity: FAILED_STARTS,
    backoff: THREAD_BACKOFF,
    children: specs,
  })
  return { refs, spec }
}

import { join } from 'node:path'
import { emptyAcceptorStats } from '../actors/accept/acceptor.ts'
import { SoloTurn } from '../actors/consumer/solo-turn.ts'
import { type Chore, Housekeeper } from '../actors/housekeeper/housekeeper.ts'
import { NodeMetrics } from '../actors/inspector/node-metrics.ts'
import { emptyWriterStats } from '../actors/writer/writer.ts'
import { ActorSystem } from '../runtime/actor/actor-system.ts'
import { type ExitReason, toError } from '../runtime/actor/exit-reason.ts'
import { BOUNDS } from '../runtime/config/bounds.ts'
import type { Config } from '../runtime/config/settings.ts'
import { loadHandlers } from '../runtime/handler/load-handlers.ts'
import { LANES, POOLS } from '../runtime/job/lane.ts'
import type { Logger } from '../runtime/observe/logger.ts'
import type { JobStore } from '../runtime/store/job-store.ts'
import { actorChild } from '../runtime/supervision/actor-child.ts'
import { Supervisor } from '../runtime/supervision/supervisor.ts'
import { supervisorChild } from '../runtime/supervision/supervisor-child.ts'
import { absorberSubtree } from './absorber.ts'
import { authenticatorOf } from './authenticator.ts'
import { checkLease } from './check-lease.ts'
import { Drain, type DrainMessage, type DrainReport } from './drain.ts'
import { drainSteps } from './drain-steps.ts'
import { LogWatch } from './log-watch.ts'
import { NEVER_GIVE_UP } from './never-give-up.ts'
import type { NodeContext } from './node-context.ts'
import { operationsSubtree } from './operations.ts'
import { groupOf, poolSubtree } from './pool.ts'
import { openStorage } from './storage.ts'
import { storeSubtree } from './store.ts'
import { upstreamsSubtree } from './upstreams.ts'

/**
 * One node: the root of the tree, its parts in the order in which they start. A stop is the drain's first: its steps go
 * through the whole tree (`drain-steps.ts`). Then the tree ends in reverse.
 *
 *     /node                  one_for_one: a part that fails does not take the others along
 *       operations           health, metrics, inspection
 *       store                the job table
 *       upstreams            simulators of what handlers call, where nothing real is configured
 *       pools/pool-a …       the bulkheads
 *       absorber             the front door
 *       housekeeper          retention
 *       drain                waits for the stop
 *
 * The log is opened before the tree and closed after it: it is a library on this thread, not an actor.
 */
export interface RunningNode {
  httpPort: number | undefined
  operationsPort: number
  /** How the root ended: by itself when its restart budget was spent, or after `stop`. */
  exited: Promise<ExitReason>
  /** The first job of this run whose outcome is in the job table. */
  firstStored: Promise<{ id: string; afterMs: number }>
  /**
   * Drains and stops, in `node.drainTimeoutMs` at most; resolves when everything is closed. `cut`: the time was over, and
   * what was still under way was ended. It is in the log, and runs again after the next start.
   */
  stop(): Promise<'drained' | 'cut'>
}

/** What a node stands on, so that another can be given in its place or put around it. */
export interface NodeParts {
  openStorage: typeof openStorage
  aroundStore(store: JobStore): JobStore
}

const PARTS: NodeParts = { openStorage, aroundStore: (store) => store }

export async function startNode(config: Config, log: Logger, parts = PARTS): Promise<RunningNode> {
  const authenticate = authenticatorOf(config)
  const { handlers, broken } = await loadHandlers(config.handlers.directory)
  for (const { file, error } of broken)
    log.error({ file, err: error }, 'a handler cannot be used; its kind is refused')
  checkLease(handlers.values(), config)
  const system = new ActorSystem({ log, ...BOUNDS.kernel })
  const storage = await parts.openStorage(config)
  for (const warning of storage.warnings) log.error(warning)
  if (config.chaos.enabled)
    log.warn(
      'chaos.enabled: whoever reaches the operations port from this machine can end actors of this node',
    )
  const store = storeSubtree(system, config, join(config.node.dataDir, 'postgres'), handlers)
  const { spec: simulators, upstreams } = upstreamsSubtree(system, config)
  const logWatch = new LogWatch(storage.trouble, log)
  const watchLog = {
    name: 'watch over the log',
    everyMs: BOUNDS.housekeeper.logEveryMs,
    run: (nowMs: number) => logWatch.look(nowMs),
  }
  const firstStored = Promise.withResolvers<{ id: string; afterMs: number }>()
  const stats = {
    acceptor: emptyAcceptorStats(),
    writers: { a: emptyWriterStats(), b: emptyWriterStats(), c: emptyWriterStats() },
  }
  const metrics = new NodeMetrics({
    ...stats,
    progress: async () =>
      (await Promise.all(pools.map(({ name, lanes }) => storage.log.progress(groupOf(name), lanes)))).flat(),
    deadLetters: () => system.deadLetters.inspect().count,
    onFirstStored: firstStored.resolve,
  })
  const poolNames = POOLS.filter((name) => config.node.roles.includes(`pool-${name}`))
  const node: NodeContext = {
    system,
    config,
    ...storage,
    store: parts.aroundStore(store.store),
    handlers,
    metrics,
    stats,
    upstreams,
    authenticate,
    soloTurn: new SoloTurn(poolNames.map(groupOf)),
    isStopping: () => isStopping,
  }

  let isStopping = false
  const ports = { http: undefined as number | undefined, operations: 0 }
  let isReady = false
  const pools = poolNames.map((name) => ({
    name,
    lanes: LANES.filter((lane) => lane.startsWith(`pool-${name}.`)),
    ...poolSubtree(node, name),
  }))
  const operations = operationsSubtree(
    system,
    config,
    {
      missing: () => [
        ...(isReady ? [] : ['the node is starting or stopping']),
        ...(logWatch.trouble === undefined ? [] : [`the log refuses jobs: ${logWatch.trouble}`]),
      ],
      inspect: () => inspect(),
      metrics,
      kill: {
        isEnabled: config.chaos.enabled,
        find: (path) => root.find(path),
        tree: () => root.inspect(),
      },
    },
    (port) => {
      ports.operations = port
    },
  )
  const absorber = absorberSubtree(
    node,
    pools.map(({ ref }) => ref),
    (port) => {
      ports.http = port
    },
  )
  const isAbsorber = config.node.roles.includes('absorber')
  const draining = [...(isAbsorber ? [absorber.draining] : []), ...pools.map((pool) => pool.draining)]
  const drain = actorChild<DrainMessage>(system, {
    path: '/node/drain',
    mailbox: 1,
    create: () => new Drain(drainSteps(draining), system.now),
  })
  const housekeeper = actorChild(system, {
    path: '/node/housekeeper',
    mailbox: 1,
    create: () => new Housekeeper([watchLog, ...chores(node)], system.now),
  })
  const root = new Supervisor(system, {
    path: '/node',
    strategy: 'one_for_one',
    children: [
      operations,
      store.spec,
      ...(simulators ? [simulators] : []),
      supervisorChild(system, {
        path: '/node/pools',
        strategy: 'one_for_one',
        intensity: NEVER_GIVE_UP,
        children: pools.map(({ spec }) => spec),
      }),
      ...(isAbsorber ? [absorber.spec] : []),
      housekeeper.spec,
      drain.spec,
    ],
  })
  const startedAtMs = system.now()
  const inspect = (): unknown => ({
    node: { pid: process.pid, roles: config.node.roles, upForMs: system.now() - startedAtMs, ready: isReady },
    tree: { path: '/node', ...root.inspect() },
    deadLetters: system.deadLetters.inspect(),
    bounds: BOUNDS,
  })

  try {
    await root.start()
  } catch (cause) {
    await storage.close()
    throw cause
  }
  isReady = true
  void storage.broken.then((err) => {
    log.fatal(
      { err },
      'the log cannot be written to any more: the node ends, and its next start opens it anew',
    )
    root.kill()
  })
  const exited = root.exited.then(async (reason) => {
    isReady = false
    await storage.close()
    return reason
  })
  const stop = async (): Promise<'drained' | 'cut'> => {
    isReady = false
    isStopping = true
    const { drainTimeoutMs } = config.node
    const deadline = setTimeout(() => root.kill(), drainTimeoutMs)
    const { cut } = await drain.ref
      .ask<DrainReport>((reply) => ({ type: 'stop', timeoutMs: drainTimeoutMs, reply }), drainTimeoutMs)
      .catch((cause) => {
        log.error({ err: toError(cause) }, 'stopping: the drain failed, the tree ends without it')
        return { cut: ['/node/drain'] }
      })
    root.stop()
    const { kind } = await exited
    clearTimeout(deadline)
    return kind === 'killed' || cut.length > 0 ? 'cut' : 'drained'
  }
  return {
    httpPort: ports.http,
    operationsPort: ports.operations,
    exited,
    firstStored: firstStored.promise,
    stop,
  }
}

function chores({ log, store, config }: NodeContext): Chore[] {
  const dayMs = 24 * 60 * 60_000
  const { logEveryMs, storeEveryMs } = BOUNDS.housekeeper
  const dropDays = (nowMs: number) =>
    store.dropDaysBefore(Math.floor(nowMs / dayMs) - config.store.retentionDays)
  return [
    { name: 'retention of the log', everyMs: logEveryMs, run: (nowMs) => log.expire(nowMs) },
    { name: 'retention of the job table', everyMs: storeEveryMs, run: dropDays },
  ]
}

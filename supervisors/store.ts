import type { ActorSystem } from '../runtime/actor/actor-system.ts'
import { BOUNDS } from '../runtime/config/bounds.ts'
import type { Config } from '../runtime/config/settings.ts'
import type { Handler } from '../runtime/handler/define-handler.ts'
import type { JobStore } from '../runtime/store/job-store.ts'
import { migrate } from '../runtime/store/migrate.ts'
import { SqlJobStore } from '../runtime/store/sql-job-store.ts'
import { ThreadSql } from '../runtime/store/thread-sql.ts'
import { actorChild } from '../runtime/supervision/actor-child.ts'
import type { ChildSpec } from '../runtime/supervision/child-spec.ts'
import { supervisorChild } from '../runtime/supervision/supervisor-child.ts'
import { threadChild } from '../runtime/threads/thread-child.ts'
import { ThreadGroup } from '../runtime/threads/thread-group.ts'
import { NEVER_GIVE_UP } from './never-give-up.ts'

/**
 * The job table on PGlite, which has a thread of its own.
 *
 *     /node/store            rest_for_one
 *       database             PGlite; while it is down, statements fail as transient and are repeated
 *       schema               migrations, whenever the database comes up; at the first time it ends the runs of an earlier
 *                            process, and charges the one that was alone
 */
export function storeSubtree(
  system: ActorSystem,
  config: Config,
  directory: string,
  handlers: ReadonlyMap<string, Handler>,
): { spec: ChildSpec; store: JobStore } {
  const path = '/node/store'
  const tables = [...handlers.values()].flatMap((handler) => handler.tables)
  const group = new ThreadGroup({
    name: 'store',
    threadsMax: 1,
    heapMibMax: BOUNDS.store.heapMibMax,
    nice: BOUNDS.store.threadNice,
    log: system.log,
  })
  const database = threadChild(system, {
    path: `${path}/database`,
    group,
    module: new URL('../runtime/store/pglite-thread.ts', import.meta.url).href,
    args: () => ({ directory }),
    capacity: BOUNDS.store.statementsOutstandingMax,
    shutdown: config.node.drainTimeoutMs,
    startTimeoutMs: BOUNDS.kernel.threadStartTimeoutMs,
    onUp: () => database.ref.watch(({ reason }) => sql.lost(reason.kind)),
    onMessage: (message) => sql.receive(message),
  })
  const sql = new ThreadSql({ post: (message) => database.ref.tell(message) })
  const store = new SqlJobStore(sql, { leaseMs: config.store.leaseMs, tables })
  const attemptsMax = new Map([...handlers.values()].map(({ kind, retry }) => [kind, retry.attemptsMax]))
  let isFirst = true
  const comeUp = async (): Promise<void> => {
    await migrate(sql, tables)
    // The lock on the data directory: this process is alone with its database, and no pool of it runs yet. Later, runs may be alive.
    if (isFirst) await store.endLostRuns(system.now(), attemptsMax)
    isFirst = false
  }
  const schema = actorChild<never>(system, {
    path: `${path}/schema`,
    mailbox: 1,
    create: () => ({ init: comeUp, receive: () => {} }),
  })
  const children = [database.spec, schema.spec]
  return {
    store,
    // On a full disk the database can't recover before there is room: it is tried on, and the node goes on by itself.
    spec: supervisorChild(system, { path, strategy: 'rest_for_one', intensity: NEVER_GIVE_UP, children }),
  }
}

import type { AcceptorStats } from '../actors/accept/acceptor.ts'
import type { Authenticate } from '../actors/admission/authenticate.ts'
import type { SoloTurn } from '../actors/consumer/solo-turn.ts'
import type { NodeMetrics } from '../actors/inspector/node-metrics.ts'
import type { WriterStats } from '../actors/writer/writer.ts'
import type { ActorSystem } from '../runtime/actor/actor-system.ts'
import type { Claims } from '../runtime/claims/claims.ts'
import type { Config } from '../runtime/config/settings.ts'
import type { Handler } from '../runtime/handler/define-handler.ts'
import type { UpstreamsConfig } from '../runtime/handler/upstream-config.ts'
import type { Pool } from '../runtime/job/lane.ts'
import type { Log } from '../runtime/log/log.ts'
import type { JobStore } from '../runtime/store/job-store.ts'

/** What the subtrees of one node share: the ports, the configuration, the handlers. */
export interface NodeContext {
  system: ActorSystem
  config: Config
  log: Log
  claims: Claims
  store: JobStore
  handlers: ReadonlyMap<string, Handler>
  metrics: NodeMetrics
  /** Counters that outlive the actors which count. */
  stats: { acceptor: AcceptorStats; writers: Readonly<Record<Pool, WriterStats>> }
  authenticate: Authenticate
  /** Of the jobs in quarantine of all pools one runs at a time. */
  soloTurn: SoloTurn
  /** The node as a whole is being stopped. */
  isStopping: () => boolean
  /** Known once the simulators listen, where they stand in for an upstream. */
  upstreams: () => UpstreamsConfig
}

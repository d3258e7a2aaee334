import type { UpstreamsArgs, UpstreamsReady } from '../actors/upstreams/upstreams-thread.ts'
import type { ActorSystem } from '../runtime/actor/actor-system.ts'
import { BOUNDS } from '../runtime/config/bounds.ts'
import type { Config } from '../runtime/config/settings.ts'
import type { UpstreamsConfig } from '../runtime/handler/upstream-config.ts'
import type { ChildSpec } from '../runtime/supervision/child-spec.ts'
import { threadChild } from '../runtime/threads/thread-child.ts'
import { ThreadGroup } from '../runtime/threads/thread-group.ts'

/**
 * The upstreams that handlers call: what is configured, and a local simulator, on a thread of its own, for what is not.
 *
 *     /node/upstreams        the simulators; absent when both upstreams are configured
 */
export function upstreamsSubtree(
  system: ActorSystem,
  config: Config,
): { spec: ChildSpec | undefined; upstreams: () => UpstreamsConfig } {
  const { chat, crm } = config.upstreams
  let simulated = { chat: '', crm: '' }
  const upstreams = (): UpstreamsConfig => ({
    chat: {
      baseUrl: chat.baseUrl || simulated.chat,
      timeoutMs: chat.timeoutMs,
      ...(chat.apiKey && { apiKey: chat.apiKey }),
      settings: { model: chat.model, fallbackModel: chat.fallbackModel },
    },
    crm: {
      baseUrl: crm.baseUrl || simulated.crm,
      timeoutMs: crm.timeoutMs,
      ...(crm.apiKey && { apiKey: crm.apiKey }),
      settings: {},
    },
  })
  if (chat.baseUrl && crm.baseUrl) return { spec: undefined, upstreams }

  const group = new ThreadGroup({
    name: 'upstreams',
    threadsMax: 1,
    heapMibMax: BOUNDS.upstream.simulatorHeapMibMax,
    nice: BOUNDS.upstream.simulatorNice,
    log: system.log,
  })
  const { spec } = threadChild(system, {
    path: '/node/upstreams',
    group,
    module: new URL('../actors/upstreams/upstreams-thread.ts', import.meta.url).href,
    // A restarted simulator listens where the pools' threads expect it.
    args: (): UpstreamsArgs => ({
      chat: { port: portOf(simulated.chat) },
      crm: { port: portOf(simulated.crm) },
    }),
    // Nobody sends it messages.
    capacity: 1,
    shutdown: BOUNDS.kernel.shutdownMs,
    startTimeoutMs: BOUNDS.kernel.threadStartTimeoutMs,
    onMessage: (message) => {
      simulated = (message as UpstreamsReady).ready
    },
  })
  return { spec, upstreams }
}

const portOf = (url: string): number => (url === '' ? 0 : Number(new URL(url).port))

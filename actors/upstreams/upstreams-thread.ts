import type { ThreadModule } from '../../runtime/threads/thread-module.ts'
import { CHAT_DEFAULTS, type ChatBehaviour, startChatSimulator } from './chat-simulator.ts'
import { CRM_DEFAULTS, type CrmBehaviour, startCrmSimulator } from './crm-simulator.ts'

/**
 * The simulators of both upstreams on a thread of their own, so that their work is nobody else's latency. Posts
 * `{ ready: { chat, crm } }` with their addresses once both listen. `{ adjust: { chat?, crm? } }` changes how they behave:
 * chaos makes an upstream slow or breaks it, and heals it.
 */
export interface UpstreamsArgs {
  seed?: number
  /** `port`: where a predecessor listened, so that its clients find this one. */
  chat?: Partial<ChatBehaviour> & { port?: number }
  crm?: Partial<CrmBehaviour> & { port?: number }
}

export interface UpstreamsReady {
  ready: { chat: string; crm: string }
}

export interface AdjustUpstreams {
  adjust: { chat?: Partial<ChatBehaviour>; crm?: Partial<CrmBehaviour> }
}

const start: ThreadModule<UpstreamsArgs> = async ({ seed = 1, chat, crm }, thread) => {
  const chatSimulator = await startChatSimulator({ seed, ...chat })
  const crmSimulator = await startCrmSimulator({ seed: seed + 1, ...crm })
  const ready: UpstreamsReady = { ready: { chat: chatSimulator.url, crm: crmSimulator.url } }
  thread.post(ready)
  return {
    receive(message) {
      const { adjust } = message as AdjustUpstreams
      if (adjust.chat !== undefined) chatSimulator.adjust(checked('chat', adjust.chat, CHAT_DEFAULTS))
      if (adjust.crm !== undefined) crmSimulator.adjust(checked('crm', adjust.crm, CRM_DEFAULTS))
    },
    async terminate() {
      await Promise.all([chatSimulator.close(), crmSimulator.close()])
    },
  }
}

/** Throws for a setting that does not exist or is no number from 0 up: chaos that changes nothing would be believed. */
function checked<Behaviour extends object>(upstream: string, change: Behaviour, known: object): Behaviour {
  for (const [setting, value] of Object.entries(change))
    if (!Object.hasOwn(known, setting) || typeof value !== 'number' || !(value >= 0))
      throw new Error(
        `${upstream}.${setting} = ${value}: must be one of ${Object.keys(known).join(', ')}, from 0 up`,
      )
  return change
}

export default start

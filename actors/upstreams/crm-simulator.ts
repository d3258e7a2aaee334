import { setTimeout as delay } from 'node:timers/promises'
import { type Chance, seededChance } from './chance.ts'
import { ContactStore, parseContact } from './contact-store.ts'
import { type Exchange, parseObject, sendJson, startSimulatedServer } from './simulated-server.ts'
import { TenantBuckets } from './tenant-buckets.ts'

/**
 * A simulated CRM: `PUT` (upsert) and `GET /v1/contacts/{externalId}`, contacts apart per tenant (`x-tenant-id`).
 *
 *     latency       log-normal
 *     rate limit    a token bucket per tenant; 429 with Retry-After, at once
 *     failure       503 after the latency; half of them after the contact was stored: an answer that got lost
 *     idempotency   an Idempotency-Key seen before answers as it did then, and stores nothing; with another body 422
 */
export interface CrmBehaviour {
  latencyMedianMs: number
  latencySigma: number
  /** 0–1, of all requests. */
  failureRate: number
  /** Per tenant. */
  ratePerS: number
  burst: number
}

export interface CrmSimulator {
  url: string
  /** Takes effect with the next request. */
  adjust(change: Partial<CrmBehaviour>): void
  close(): Promise<void>
}

export const CRM_DEFAULTS: CrmBehaviour = {
  latencyMedianMs: 40,
  latencySigma: 0.5,
  failureRate: 0.02,
  ratePerS: 100,
  burst: 100,
}

const PATH = /^\/v1\/contacts\/([^/]{1,384})$/

export async function startCrmSimulator(
  options: Partial<CrmBehaviour> & { seed?: number; port?: number; now?: () => number } = {},
): Promise<CrmSimulator> {
  const { seed = 1, port = 0, now = Date.now, ...changes } = options
  const chance = seededChance(seed)
  const contacts = new ContactStore()
  const buckets = new TenantBuckets()
  let behaviour = { ...CRM_DEFAULTS, ...changes }

  const server = await startSimulatedServer(port, (exchange) => {
    const { ratePerS: perS, burst } = behaviour
    const take = (tenant: string) => buckets.take(tenant, { perS, burst }, now())
    return answer(exchange, contacts, take, drawFate(behaviour, chance))
  })
  return {
    ...server,
    adjust(change) {
      behaviour = { ...behaviour, ...change }
    },
  }
}

interface Fate {
  failing: boolean
  /** A failure that only loses the answer. */
  stored: boolean
  latencyMs: number
}

/** Always the same number of draws, whatever becomes of the request: one seed, one run. */
const drawFate = (behaviour: CrmBehaviour, chance: Chance): Fate => ({
  failing: chance.happens(behaviour.failureRate),
  stored: chance.happens(0.5),
  latencyMs: chance.logNormalMs(behaviour.latencyMedianMs, behaviour.latencySigma),
})

async function answer(
  { method, path, headers, body, response, gone }: Exchange,
  contacts: ContactStore,
  take: (tenant: string) => number,
  fate: Fate,
): Promise<void> {
  const refuse = (status: number, message: string, more: Record<string, string> = {}) =>
    sendJson(response, status, { error: message }, more)

  const externalId = externalIdOf(path)
  if (externalId === undefined) return refuse(404, `there is nothing at ${path}`)
  if (method !== 'PUT' && method !== 'GET') return refuse(405, `${method} is not answered here`)
  const tenant = headers['x-tenant-id']
  if (typeof tenant !== 'string' || tenant === '') return refuse(400, 'x-tenant-id is missing')
  const contact = method === 'PUT' ? parseContact(parseObject(body)) : undefined
  if (typeof contact === 'string') return refuse(400, contact)
  const waitMs = take(tenant)
  if (waitMs > 0)
    return refuse(429, 'this tenant is over its rate', { 'retry-after': String(Math.ceil(waitMs / 1000)) })

  await delay(fate.latencyMs, undefined, { signal: gone })
  const unavailable = () => refuse(503, 'the CRM is not available')
  if (fate.failing && !fate.stored) return unavailable()
  const key = headers['idempotency-key']
  const { status, ...answered } =
    contact === undefined
      ? contacts.find(tenant, externalId)
      : contacts.upsert(tenant, externalId, contact, typeof key === 'string' ? key : undefined)
  if (fate.failing) return unavailable()
  return sendJson(response, status, answered.body, answered.headers)
}

function externalIdOf(path: string): string | undefined {
  try {
    return decodeURIComponent(PATH.exec(path)?.[1] ?? '') || undefined
  } catch {
    return undefined
  }
}

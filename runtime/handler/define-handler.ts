import type { Static, TSchema } from 'typebox'
import { POOLS, type Pool } from '../job/lane.ts'
import type { Write } from '../job/outcome.ts'
import { isTier, type Tier } from '../job/tier.ts'
import type { HandlerContext } from './context.ts'
import type { TableDefinition } from './define-table.ts'

/** How often a job of a kind is tried, and how long it waits in between (jittered exponential). */
export interface RetryPolicy {
  attemptsMax: number
  backoffMinMs: number
  backoffMaxMs: number
}

export const DEFAULT_RETRY: RetryPolicy = { attemptsMax: 5, backoffMinMs: 500, backoffMaxMs: 60_000 }

export interface HandledJob<Payload> {
  id: string
  kind: string
  tier: Tier
  orderingKey: string | undefined
  acceptedAtMs: number
  payload: Payload
}

export interface HandlerResult {
  /** Stored with the job and shown by `GET /v1/jobs/{id}`; anything that JSON can hold. */
  result?: unknown
  /** Committed in the job's own transaction. */
  writes?: readonly Write[]
}

export interface HandlerDefinition<Schema extends TSchema = TSchema> {
  /** `area.verb`; what clients send as `kind`. */
  kind: string
  pool: Pool
  payload: Schema
  /** The deadline of one attempt. */
  timeoutMs: number
  retry?: Partial<RetryPolicy>
  /** A kind whose clients send ordering keys fixes its tier: one key must not be in two lanes. */
  orderedTier?: Tier
  /** The tables it writes to. */
  tables?: readonly TableDefinition[]
  handle(job: HandledJob<Static<Schema>>, ctx: HandlerContext): Promise<HandlerResult> | HandlerResult
}

export interface Handler extends HandlerDefinition {
  retry: RetryPolicy
  tables: readonly TableDefinition[]
}

const KIND = /^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+$/

export class HandlerDefinitionError extends Error {
  override readonly name = 'HandlerDefinitionError'
}

/** Checks a handler and fills in its defaults. Throws HandlerDefinitionError naming the field and its value. */
export function defineHandler<Schema extends TSchema>(definition: HandlerDefinition<Schema>): Handler {
  const refuse = (what: string): never => {
    throw new HandlerDefinitionError(`handler ${JSON.stringify(definition.kind)}: ${what}`)
  }
  const { kind, pool, timeoutMs, orderedTier } = definition
  if (typeof kind !== 'string' || kind.length > 64 || !KIND.test(kind))
    refuse(`kind must match ${KIND}, 64 characters at most`)
  if (!POOLS.includes(pool)) refuse(`pool ${JSON.stringify(pool)} is none of ${POOLS.join(', ')}`)
  if (!Number.isInteger(timeoutMs) || timeoutMs < 1)
    refuse(`timeoutMs ${timeoutMs} must be a whole number from 1 up`)
  if (orderedTier !== undefined && !isTier(orderedTier))
    refuse(`orderedTier ${JSON.stringify(orderedTier)} is no tier`)
  if (typeof definition.handle !== 'function') refuse('handle must be a function')
  const retry = { ...DEFAULT_RETRY, ...definition.retry }
  for (const [field, value] of Object.entries(retry))
    if (!Number.isInteger(value) || value < 1)
      refuse(`retry.${field} ${value} must be a whole number from 1 up`)
  if (retry.backoffMinMs > retry.backoffMaxMs) refuse('retry.backoffMinMs is above retry.backoffMaxMs')
  // The one place where a payload's static type is left behind: the ingress checks it against the schema.
  return { ...(definition as unknown as HandlerDefinition), retry, tables: definition.tables ?? [] }
}

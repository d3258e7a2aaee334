import type { Static, TSchema } from 'typebox'
import { BOUNDS } from '../config/bounds.ts'
import { POOLS, type Pool } from '../job/lane.ts'
import type { Write } from '../job/outcome.ts'
import { isTier, type Tier } from '../job/tier.ts'
import type { HandlerContext } from './context.ts'
import { defineTable, type TableDefinition } from './define-table.ts'

/** How often a job of a kind is tried, and how long it waits in between (jittered exponential). */
export interface RetryPolicy {
  attemptsMax: number
  backoffMinMs: number
  backoffMaxMs: number
}

export const DEFAULT_RETRY: RetryPolicy = { attemptsMax: 5, backoffMinMs: 500, backoffMaxMs: 60_000 }

/** Upper bounds of what a handler may ask for. */
const TIMEOUT_MAX_MS = BOUNDS.handlers.timeoutMaxMs
const RETRY_MAX: RetryPolicy = { attemptsMax: 100, backoffMinMs: 86_400_000, backoffMaxMs: 86_400_000 }

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
  /** The deadline of one attempt, one hour at most. */
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

/** Marks what `defineHandler` returned, also when the handler's file was resolved to another copy of this module. */
const MARK = Symbol.for('spillway.handler')

export const isHandler = (value: unknown): value is Handler =>
  typeof value === 'object' && value !== null && Object.hasOwn(value, MARK)

const KIND = /^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+$/

export class HandlerDefinitionError extends Error {
  override readonly name = 'HandlerDefinitionError'
}

/** Checks a handler and fills in its defaults. Throws HandlerDefinitionError naming the field and its value. */
export function defineHandler<Schema extends TSchema>(definition: HandlerDefinition<Schema>): Handler {
  const refuse = (what: string): never => {
    throw new HandlerDefinitionError(`handler ${JSON.stringify(definition.kind)}: ${what}`)
  }
  const { kind, pool, payload, timeoutMs, orderedTier } = definition
  if (typeof kind !== 'string' || kind.length > 64 || !KIND.test(kind))
    refuse(`kind must match ${KIND}, 64 characters at most`)
  if (!POOLS.includes(pool)) refuse(`pool ${JSON.stringify(pool)} is none of ${POOLS.join(', ')}`)
  if (typeof payload !== 'object' || payload === null)
    refuse('payload must be a schema, for example Type.Object({…})')
  if (!isWholeUpTo(timeoutMs, TIMEOUT_MAX_MS))
    refuse(`timeoutMs ${timeoutMs} must be a whole number from 1 to ${TIMEOUT_MAX_MS}`)
  if (orderedTier !== undefined && !isTier(orderedTier))
    refuse(`orderedTier ${JSON.stringify(orderedTier)} is no tier`)
  if (typeof definition.handle !== 'function') refuse('handle must be a function')
  const retry = { ...DEFAULT_RETRY, ...definition.retry }
  checkRetry(retry, refuse)
  const tables = (definition.tables ?? []).map(defineTable)
  if (new Set(tables.map((table) => table.name)).size < tables.length) refuse('tables names one table twice')
  // The one place where a payload's static type is left behind: the ingress checks it against the schema.
  const handler: Handler = { ...(definition as unknown as HandlerDefinition), retry, tables }
  return Object.defineProperty(handler, MARK, { value: true })
}

function checkRetry(retry: RetryPolicy, refuse: (what: string) => never): void {
  for (const [field, value] of Object.entries(retry)) {
    const max = RETRY_MAX[field as keyof RetryPolicy]
    if (max === undefined) refuse(`retry.${field} is unknown: there are ${Object.keys(RETRY_MAX).join(', ')}`)
    if (!isWholeUpTo(value, max)) refuse(`retry.${field} ${value} must be a whole number from 1 to ${max}`)
  }
  if (retry.backoffMinMs > retry.backoffMaxMs)
    refuse(`retry.backoffMinMs ${retry.backoffMinMs} is above retry.backoffMaxMs ${retry.backoffMaxMs}`)
}

const isWholeUpTo = (value: number, max: number): boolean =>
  Number.isInteger(value) && value >= 1 && value <= max

import { Compile, type Validator } from 'typebox/compile'
import type { Handler } from '../../runtime/handler/define-handler.ts'
import type { Pool } from '../../runtime/job/lane.ts'
import type { Tier } from '../../runtime/job/tier.ts'

/** What the ingress knows of the handlers: kind → where its jobs go and what their payload looks like. */
export type Catalogue = ReadonlyMap<string, CatalogueEntry>

export interface CatalogueEntry {
  pool: Pool
  /** The tier of this kind's jobs with an ordering key; without it the kind takes no ordering keys. */
  orderedTier: Tier | undefined
  /** Compiled once: checking a payload is generated code, not a walk over its schema. */
  payload: Validator
}

/** Throws when two handlers claim one kind. */
export function compileCatalogue(
  handlers: Iterable<Pick<Handler, 'kind' | 'pool' | 'payload' | 'orderedTier'>>,
): Catalogue {
  const catalogue = new Map<string, CatalogueEntry>()
  for (const { kind, pool, payload, orderedTier } of handlers) {
    if (catalogue.has(kind)) throw new Error(`two handlers for the kind "${kind}": a kind has one`)
    catalogue.set(kind, { pool, orderedTier, payload: Compile(payload) })
  }
  return catalogue
}

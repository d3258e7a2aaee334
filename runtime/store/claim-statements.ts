import { TIERS } from '../job/tier.ts'
import { WITH_PRESENT_STATE, withRetryAt } from './history.ts'
import type { PreparedStatement } from './sql.ts'

/**
 * The statements that turn rows into runs. Parameters: `$1` pool, `$2` now, `$3` limit, `$4` end of the lease. Prepared,
 * since over many partitions their planning takes 20 times as long as their execution.
 *
 * What is due is chosen without locks and locked with SKIP LOCKED: of two nodes that ask at the same time one gets a row,
 * the other leaves it out, and neither waits.
 */
const UNFINISHED = `state in ('retry', 'parked', 'running')`
/** When a row can be claimed: a running one when its lease is over, a parked one at once. As the index has it. */
const WAKES_AT_MS = 'coalesce(lease_until_ms, due_at_ms, 0)'
const RANK = `array_position(array['${TIERS.join(`', '`)}'], c.tier)`

const run = (history: string): string => `
update spillway.jobs j set
  state = 'running', attempt = j.attempt + 1, updated_at_ms = $2, due_at_ms = null, lease_until_ms = $4, error = null,
  history = ${history}
from locked where j.id = locked.id
returning j.id, j.attempt, j.lease_until_ms, encode(j.envelope, 'base64') as envelope`

/**
 * Rows without a key come from each tier's index in the order of their time. Of each key the earliest unfinished row
 * stands for it (`heads`), in quarantine or not. It is due only while no row of its key is running: a replayed job can
 * stand before one that is.
 */
const claimDue = (name: string, isMarked: 'solo' | 'not solo'): PreparedStatement => ({
  name,
  text: `
with unkeyed as (
  select j.id, j.tier, j.wakes_at_ms
  from unnest(array['${TIERS.join(`', '`)}']) as t(tier)
  cross join lateral (
    select id, tier, ${WAKES_AT_MS} as wakes_at_ms from spillway.jobs
    where pool = $1 and tier = t.tier and ordering_key is null and ${isMarked} and ${UNFINISHED} and ${WAKES_AT_MS} <= $2
    order by ${WAKES_AT_MS} limit $3
  ) j
), heads as (
  select distinct on (tier, tenant, ordering_key)
    id, tier, tenant, ordering_key, solo, ${WAKES_AT_MS} as wakes_at_ms
  from spillway.jobs
  where pool = $1 and ordering_key is not null and ${UNFINISHED}
  order by tier, tenant, ordering_key, lane_partition, log_offset
), keyed as (
  select h.id, h.tier, h.wakes_at_ms from heads h
  where ${isMarked} and h.wakes_at_ms <= $2 and not exists (
    select from spillway.jobs r
    where r.pool = $1 and r.tier = h.tier and r.tenant = h.tenant and r.ordering_key = h.ordering_key
      and r.state = 'running' and r.lease_until_ms > $2)
), chosen as materialized (
  select c.id from (table unkeyed union all table keyed) c
  order by ${RANK}, c.wakes_at_ms, c.id limit $3
), locked as materialized (
  select id from spillway.jobs
  where id in (select id from chosen) and ${isMarked} and ${UNFINISHED} and ${WAKES_AT_MS} <= $2
  for update skip locked
)
${run(`case j.state when 'running' then ${withRetryAt('$2')} else ${WITH_PRESENT_STATE} end`)}`,
})

export const CLAIM_DUE = claimDue('spillway_claim_due', 'not solo')
/** Those in quarantine. */
export const CLAIM_SOLO = claimDue('spillway_claim_solo', 'solo')

export const CLAIM_THIN: PreparedStatement = {
  name: 'spillway_claim_thin',
  text: `
with locked as materialized (
  select id from spillway.jobs
  where pool = $1 and ordering_key is null and state = 'thin'
  order by accepted_at_ms limit $3
  for update skip locked
)
${run(WITH_PRESENT_STATE)}`,
}

/** A claimed row that this node cannot run. `$1` id, `$2` now, `$3` attempt, `$4` error. */
export const BURY = `
update spillway.jobs j set
  state = 'dead', updated_at_ms = $2, lease_until_ms = null, error = $4::jsonb, history = ${WITH_PRESENT_STATE}
where j.id = $1 and j.state = 'running' and j.attempt = $3`

/** `$1` ids, `$2` now. */
export const REPLAY = `
with locked as materialized (
  select id from spillway.jobs where id = any($1::text[]) and state = 'dead' order by id for update
)
update spillway.jobs j set
  state = 'retry', updated_at_ms = $2, due_at_ms = $2, error = null, history = ${WITH_PRESENT_STATE}
from locked where j.id = locked.id
returning j.id`

/** `$1` pool. */
export const HELD_KEYS: PreparedStatement = {
  name: 'spillway_held_keys',
  text: `
select tenant, tier, ordering_key, count(*) as rows from spillway.jobs
where pool = $1 and ordering_key is not null and ${UNFINISHED}
group by tier, tenant, ordering_key`,
}

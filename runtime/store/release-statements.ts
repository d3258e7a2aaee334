import type { PreparedStatement } from './sql.ts'

/**
 * The statements by which a node lets go of rows that it claimed (`claim-statements.ts`).
 */

/**
 * Undoes claims whose jobs were not run to their end: state, attempt, error and history are again those before the claim,
 * which the history's last entry holds. `$1` ids, `$2` attempts, each the claim's own: a row that has gone on since stays.
 */
export const RELEASE: PreparedStatement = {
  name: 'spillway_release',
  text: `
with locked as materialized (
  select j.id, j.history -> -1 as before
  from unnest($1::text[], $2::int[]) as c(id, attempt)
  join spillway.jobs j on j.id = c.id and j.attempt = c.attempt and j.state = 'running'
  order by j.id for update of j
)
update spillway.jobs j set
  state = before ->> 'state', attempt = j.attempt - 1, error = before -> 'error',
  updated_at_ms = (before ->> 'atMs')::bigint, history = j.history - (-1), lease_until_ms = null,
  due_at_ms = case before ->> 'state' when 'retry' then (before ->> 'atMs')::bigint end
from locked where j.id = locked.id
returning j.id`,
}

/** Ends every lease that is not over: each of these rows is due at once, as after a run that did not finish in time. `$1` now. */
export const END_LEASES = `
update spillway.jobs set lease_until_ms = $1
where lease_until_ms > $1 and id in (
  select id from spillway.jobs
  where ordering_key is null and state in ('retry', 'parked', 'running') and state = 'running'
  union all
  select id from spillway.jobs
  where ordering_key is not null and state in ('retry', 'parked', 'running') and state = 'running'
)`

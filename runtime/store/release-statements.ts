import { WITH_PRESENT_STATE } from './history.ts'
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

/**
 * Ends the runs of a process that is gone. `$1` now, `$2` kinds, `$3` the attempts that each of them has.
 *
 * What ran alone is charged: its attempt stays spent, and after the last one it is dead. What ran beside others goes into
 * quarantine, its attempt not spent. Both are due at once.
 */
export const END_LOST_RUNS = `
with lost as materialized (
  select id, solo, solo and attempt >= (
    select m.attempts_max from unnest($2::text[], $3::int[]) as m(kind, attempts_max) where m.kind = l.kind
  ) is true as is_over
  from spillway.jobs l
  where id in (${[
    'ordering_key is not null',
    'ordering_key is null and solo',
    'ordering_key is null and not solo',
  ]
    .map(
      (indexed) => `
    select id from spillway.jobs where ${indexed} and state in ('retry', 'parked', 'running') and state = 'running'`,
    )
    .join(' union all ')})
  for update
)
update spillway.jobs j set
  state = case when not lost.solo then 'parked' when lost.is_over then 'dead' else 'retry' end,
  attempt = case when lost.solo then j.attempt else j.attempt - 1 end,
  solo = true, updated_at_ms = $1, lease_until_ms = null,
  due_at_ms = case when lost.solo and not lost.is_over then $1::bigint end,
  error = jsonb_build_object('code', 'process-lost', 'message', case
    when lost.solo then 'the process of the node died while it ran this job alone'
    else 'the process of the node died while it ran this job beside others: it runs again, alone' end),
  history = ${WITH_PRESENT_STATE}
from lost where j.id = lost.id`

/**
 * Counts an assignment of partitions of the log, from 1 where the committed offset has moved since the one before.
 * `$1` group, `$2` lanes, `$3` partitions, `$4` committed offsets.
 */
export const NOTE_ASSIGNMENT = `
insert into spillway.assignments as a (group_name, lane, partition, committed, assigned)
select $1, p.lane, p.partition, p.committed, 1
from unnest($2::text[], $3::int[], $4::bigint[]) as p(lane, partition, committed)
order by p.lane, p.partition
on conflict (group_name, lane, partition) do update set
  assigned = case when a.committed = excluded.committed then a.assigned + 1 else 1 end,
  committed = excluded.committed
returning a.lane, a.partition, a.assigned`

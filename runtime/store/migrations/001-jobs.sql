-- The job table: inbox, status and state machine at once (runtime/job/state.ts). Times are ms since 1970.
-- One partition per day, created on demand (day-partitions.ts); ids begin with the window of their day.

create table spillway.jobs (
  id text collate "C" primary key,
  tenant text collate "C" not null,
  kind text not null,
  pool text not null,
  tier text not null,
  ordering_key text collate "C",
  state text not null,
  -- Runs started; 0 for a job that was parked before its first run.
  attempt integer not null,
  accepted_at_ms bigint not null,
  updated_at_ms bigint not null,
  -- Set for retry, and for parked where it has to wait for more than its key.
  due_at_ms bigint,
  -- Set for running: later than this its node is taken for gone.
  lease_until_ms bigint,
  -- Where its first delivery stood in its lane; the order of the jobs of one ordering key.
  lane_partition integer not null,
  log_offset bigint not null,
  traceparent text not null,
  body_hash text not null,
  -- Kept while the job may run again: in every state but done.
  envelope bytea,
  result jsonb,
  error jsonb,
  -- Names of the enrichments left out; null for none.
  skipped jsonb,
  history jsonb not null default '[]'
) partition by range (id);

-- None of these holds rows in state done, so the hot path only writes the primary key.
create index jobs_unkeyed on spillway.jobs (pool, tier, (coalesce(lease_until_ms, due_at_ms, 0)))
  where ordering_key is null and state in ('retry', 'parked', 'running');

create index jobs_keyed on spillway.jobs (pool, tier, tenant, ordering_key, lane_partition, log_offset)
  where ordering_key is not null and state in ('retry', 'parked', 'running');

create index jobs_thin on spillway.jobs (pool, accepted_at_ms)
  where ordering_key is null and state = 'thin';

-- Same Idempotency-Key, other body, seen by the job table alone: refused, but not lost.
create table spillway.job_conflicts (
  id text collate "C",
  tenant text collate "C" not null,
  kind text not null,
  body_hash text not null,
  traceparent text not null,
  seen_at_ms bigint not null,
  envelope bytea not null,
  primary key (id, body_hash)
);

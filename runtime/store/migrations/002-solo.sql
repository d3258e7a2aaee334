-- Quarantine: rows that run alone, because a thread or a process died while they ran beside others.

-- Never taken back: a job that was under suspicion once runs alone until it is settled, and when it is replayed.
alter table spillway.jobs add column solo boolean not null default false;

-- Apart from the others, of which nobody should have to pass over thousands that wait in quarantine.
drop index spillway.jobs_unkeyed;

create index jobs_unkeyed on spillway.jobs (pool, tier, (coalesce(lease_until_ms, due_at_ms, 0)))
  where ordering_key is null and not solo and state in ('retry', 'parked', 'running');

create index jobs_solo on spillway.jobs (pool, tier, (coalesce(lease_until_ms, due_at_ms, 0)))
  where ordering_key is null and solo and state in ('retry', 'parked', 'running');

-- How often a partition of the log was assigned since its group's committed offset moved.
create table spillway.assignments (
  group_name text collate "C",
  lane text collate "C",
  partition integer,
  committed bigint not null,
  assigned integer not null,
  primary key (group_name, lane, partition)
);

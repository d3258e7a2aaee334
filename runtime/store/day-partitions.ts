import { dayLowerBound } from '../job/id.ts'
import { SCHEMA_LOCK } from './schema-lock.ts'
import type { Sql } from './sql.ts'

/**
 * The job table's partitions, one per day (days since 1970-01-01 UTC): created before the first commit that needs them,
 * dropped when their time is over. Nodes that create or drop at the same time take turns by an advisory lock.
 *
 * A new partition is attached instead of being created in its place, which would wait for every commit under way.
 */
export class DayPartitions {
  readonly #sql: Sql
  readonly #known = new Set<number>()

  constructor(sql: Sql) {
    this.#sql = sql
  }

  async ensure(days: ReadonlySet<number>): Promise<void> {
    for (const day of days) {
      if (this.#known.has(day)) continue
      await this.#sql.script(creation(day))
      this.#known.add(day)
    }
  }

  /** Another node may have dropped partitions: none is taken for granted any more. */
  forget(): void {
    this.#known.clear()
  }

  /** Drops days before this one. One that has unfinished rows is kept. */
  async dropBefore(day: number): Promise<void> {
    const partitions = await this.#sql.query(
      `select substring(relname from '^jobs_day_(\\d+)$')::integer as day
      from pg_catalog.pg_class where relnamespace = 'spillway'::regnamespace and relname ~ '^jobs_day_\\d+$'`,
    )
    const days = partitions.map((row) => Number(row.day)).filter((found) => found < day)
    for (const old of days.sort((a, b) => a - b)) {
      this.#known.delete(old)
      await this.#sql.script(removal(old))
    }
    await this.#sql.query('delete from spillway.job_conflicts where id < $1', [dayLowerBound(day)])
  }
}

const partition = (day: number): string => `spillway.jobs_day_${day}`

const creation = (day: number): string => `
do $$ begin
  perform ${SCHEMA_LOCK};
  if to_regclass('${partition(day)}') is null then
    create table ${partition(day)} (like spillway.jobs including all);
    alter table spillway.jobs attach partition ${partition(day)}
      for values from ('${dayLowerBound(day)}') to ('${dayLowerBound(day + 1)}');
  end if;
end $$`

/** The table is locked before its partition, as commits do. Nothing can become unfinished between check and drop. */
const removal = (day: number): string => `
do $$ begin
  perform ${SCHEMA_LOCK};
  if to_regclass('${partition(day)}') is null then return; end if;
  lock table only spillway.jobs in access exclusive mode;
  if not exists (select from ${partition(day)} where state in ('retry', 'parked', 'running')) then
    drop table ${partition(day)};
  end if;
end $$`

import { readdirSync, readFileSync } from 'node:fs'
import type { TableDefinition } from '../handler/define-table.ts'
import { createDeclaredTables } from './declared-tables.ts'
import { MigrationError } from './migration-error.ts'
import { SCHEMA_LOCK } from './schema-lock.ts'
import { type Sql, SqlError } from './sql.ts'

interface Migration {
  number: number
  name: string
  script: string
}

/**
 * Brings a database to what this node needs: the numbered scripts of `migrations/`, each applied once and in a transaction
 * with its entry in `spillway.migrations`, then the tables that handlers declare. Safe to run again, and by several nodes
 * at once: each script takes the schema's lock and enters its number first, so that of two nodes one finds it entered.
 *
 * Rejects with MigrationError when the database and this node do not fit, with SqlError when the database refuses.
 */
export async function migrate(sql: Sql, tables: readonly TableDefinition[]): Promise<void> {
  await sql.script(`
    select ${SCHEMA_LOCK};
    create schema if not exists spillway;
    create table if not exists spillway.migrations (
      number integer primary key,
      name text not null,
      applied_at timestamptz not null default now()
    )`)
  const migrations = readMigrations()
  let applied = await appliedNumbers(sql)
  const latest = migrations.at(-1)?.number ?? 0
  const newest = Math.max(0, ...applied)
  if (newest > latest)
    throw new MigrationError(
      `the database is at migration ${newest}, this node knows ${latest} only: start a node at least as new as the one that migrated it`,
    )
  for (const migration of migrations) {
    if (applied.has(migration.number)) continue
    await apply(sql, migration)
    applied = await appliedNumbers(sql)
  }
  await createDeclaredTables(sql, tables)
}

async function apply(sql: Sql, { number, name, script }: Migration): Promise<void> {
  try {
    await sql.script(`
      select ${SCHEMA_LOCK};
      insert into spillway.migrations (number, name) values (${number}, '${name}');
      ${script}`)
  } catch (error) {
    const isEntered = (await appliedNumbers(sql)).has(number)
    if (!(error instanceof SqlError && error.sqlState === UNIQUE_VIOLATION && isEntered)) throw error
  }
}

const UNIQUE_VIOLATION = '23505'

async function appliedNumbers(sql: Sql): Promise<Set<number>> {
  const rows = await sql.query('select number from spillway.migrations')
  return new Set(rows.map((row) => Number(row.number)))
}

function readMigrations(): Migration[] {
  const directory = new URL('migrations/', import.meta.url)
  return readdirSync(directory)
    .flatMap((file) => {
      const [, number, name] = /^(\d{3})-([a-z0-9-]+)\.sql$/.exec(file) ?? []
      if (number === undefined || name === undefined) return []
      return [{ number: Number(number), name, script: readFileSync(new URL(file, directory), 'utf8') }]
    })
    .sort((a, b) => a.number - b.number)
}

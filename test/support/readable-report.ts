import { type RunOptions, type RunReport, runJob } from '../../actors/pool/run-job.ts'
import type { Handler } from '../../runtime/handler/define-handler.ts'
import type { ColumnType, TableDefinition } from '../../runtime/handler/define-table.ts'
import type { Envelope } from '../../runtime/job/envelope.ts'
import type { StoredRow } from '../../runtime/job/outcome.ts'

/** `runJob` with its result and its rows as values again, which on their way to the database are text. */
export async function runReadably(envelope: Envelope, handler: Handler | undefined, options: RunOptions) {
  const report: RunReport = await runJob(envelope, handler, options)
  return {
    ...report,
    ...(report.result !== undefined && { result: JSON.parse(report.result) as unknown }),
    writes: report.writes.map((row) => ({ table: row.table, row: readRow(row, handler?.tables ?? []) })),
  }
}

/** Every declared column, null where there is no value. */
export function readRow({ table: name, values }: StoredRow, tables: readonly TableDefinition[]) {
  const table = tables.find((declared) => declared.name === name)
  const columns = Object.entries(table?.columns ?? {})
  return Object.fromEntries(columns.map(([column, type], i) => [column, read(type, values[i] ?? null)]))
}

function read(type: ColumnType, text: string | null): unknown {
  const isText = text === null || type === 'text' || type === 'timestamptz'
  return isText ? text : JSON.parse(text)
}

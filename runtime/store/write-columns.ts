import type { TableDefinition } from '../handler/define-table.ts'
import type { Outcome, Write } from '../job/outcome.ts'
import { ArrayColumns } from './array-columns.ts'
import { columnText } from './column-text.ts'
import { SqlError } from './sql.ts'

/**
 * The handlers' rows of one batch, by table and column: what `commit-statement.ts` upserts. Rows keep the order of the
 * batch, so that the last write of a key wins.
 *
 * Throws SqlError for what can be seen without asking the database: an undeclared table or column (22023), a key column
 * without a value (23502), values that its column can't hold.
 */
export class WriteColumns {
  readonly #tables: ReadonlyMap<string, TableDefinition>
  readonly #written = new Map<string, TableColumns>()

  constructor(tables: ReadonlyMap<string, TableDefinition>) {
    this.#tables = tables
  }

  add({ envelope, origin, writes }: Outcome): void {
    for (const write of writes) this.#of(write).add(envelope.id, origin.from === 'table', write.row)
  }

  /** In the order in which their rows are locked, the same in every batch. */
  get tables(): string[] {
    return [...this.#written.keys()].sort()
  }

  /** In the order of `tables`, and in each: the job's id, whether it came from the job table, the declared columns. */
  parameters(): string[] {
    return this.tables.flatMap((name) => this.#written.get(name)?.parameters() ?? [])
  }

  #of({ table: name }: Write): TableColumns {
    const written = this.#written.get(name)
    if (written) return written
    const table = this.#tables.get(name)
    if (!table)
      throw new SqlError(
        `table ${JSON.stringify(name)} is declared by no handler; declared are ${[...this.#tables.keys()].join(', ') || 'none'}`,
        '22023',
      )
    const columns = new TableColumns(table)
    this.#written.set(name, columns)
    return columns
  }
}

class TableColumns {
  readonly #table: TableDefinition
  readonly #owners = new ArrayColumns(['id', 'from_table'])
  readonly #columns: ArrayColumns<string>

  constructor(table: TableDefinition) {
    this.#table = table
    this.#columns = new ArrayColumns(Object.keys(table.columns))
  }

  add(id: string, isFromTable: boolean, row: Write['row']): void {
    const { name: table, key, columns } = this.#table
    for (const column of Object.keys(row))
      if (!Object.hasOwn(columns, column))
        throw new SqlError(
          `table ${table} has no column ${JSON.stringify(column)}; it has ${Object.keys(columns).join(', ')}`,
          '22023',
        )
    for (const column of key)
      if (row[column] === undefined || row[column] === null)
        throw new SqlError(`table ${table}: key column ${column} needs a value`, '23502')
    this.#owners.plain('id', id)
    this.#owners.plain('from_table', isFromTable ? 't' : 'f')
    for (const [column, type] of Object.entries(columns))
      this.#columns.text(column, columnText(`${table}.${column}`, type, row[column]))
  }

  parameters(): string[] {
    return [...this.#owners.parameters(), ...this.#columns.parameters()]
  }
}

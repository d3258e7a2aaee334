import type { TableDefinition } from '../handler/define-table.ts'
import type { Outcome, StoredRow } from '../job/outcome.ts'
import { ArrayColumns } from './array-columns.ts'
import { ArrayLiteral } from './array-literal.ts'
import { SqlError } from './sql.ts'

/**
 * The handlers' rows of one batch, by table and column: what `commit-statement.ts` upserts. Rows keep the order of the
 * batch, so that the last write of a key wins.
 *
 * Throws SqlError 22023 for rows that do not fit the declared tables: they were made for another node's.
 */
export class WriteColumns {
  readonly #tables: ReadonlyMap<string, TableDefinition>
  readonly #written = new Map<string, TableColumns>()

  constructor(tables: ReadonlyMap<string, TableDefinition>) {
    this.#tables = tables
  }

  add({ envelope, origin, writes }: Outcome): void {
    for (const write of writes) this.#of(write).add(envelope.id, origin.from === 'table', write.values)
  }

  /** In the order in which their rows are locked, the same in every batch. */
  get tables(): string[] {
    return [...this.#written.keys()].sort()
  }

  /** In the order of `tables`, and in each: the job's id, whether it came from the job table, the declared columns. */
  parameters(): string[] {
    return this.tables.flatMap((name) => this.#written.get(name)?.parameters() ?? [])
  }

  #of({ table: name }: StoredRow): TableColumns {
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
  readonly #columns: readonly ArrayLiteral[]

  constructor(table: TableDefinition) {
    this.#table = table
    this.#columns = Object.keys(table.columns).map(() => new ArrayLiteral())
  }

  add(id: string, isFromTable: boolean, values: StoredRow['values']): void {
    if (values.length !== this.#columns.length)
      throw new SqlError(
        `a row for table ${this.#table.name} has ${values.length} values for its ${this.#columns.length} columns`,
        '22023',
      )
    this.#owners.plain('id', id)
    this.#owners.plain('from_table', isFromTable ? 't' : 'f')
    this.#columns.forEach((column, i) => {
      column.text(values[i] ?? null)
    })
  }

  parameters(): string[] {
    return [...this.#owners.parameters(), ...this.#columns.map(String)]
  }
}

/**
 * The SQL port: one statement, one transaction, one round trip. Adapters: `pglite-sql.ts` (PostgreSQL in WebAssembly on a
 * thread of its own). The dialect is PostgreSQL's.
 */
export interface Sql {
  /** Runs one statement with parameters `$1…`; its rows. Rejects with SqlError. */
  query(text: string, parameters?: readonly unknown[]): Promise<Row[]>

  /** Runs a script of several statements without parameters, in one transaction. Rejects with SqlError. */
  script(text: string): Promise<void>

  close(): Promise<void>
}

export type Row = Readonly<Record<string, unknown>>

/** A statement that failed, with its SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html). */
export class SqlError extends Error {
  override readonly name = 'SqlError'
  readonly sqlState: string

  constructor(message: string, sqlState: string, options?: ErrorOptions) {
    super(message, options)
    this.sqlState = sqlState
  }

  /** The data of one row is at fault (classes 22 and 23); the same rows fail again. */
  get isDataError(): boolean {
    return this.sqlState.startsWith('22') || this.sqlState.startsWith('23')
  }

  /** Connection, serialization, resources, shutdown (classes 08, 40, 53, 57): the same statement may succeed. */
  get isTransient(): boolean {
    return ['08', '40', '53', '57'].includes(this.sqlState.slice(0, 2))
  }
}

/**
 * The SQL port: one statement, one transaction, one round trip. Adapters: `pglite-sql.ts` (PostgreSQL in WebAssembly) and
 * `thread-sql.ts` (the same on a thread of its own). The dialect is PostgreSQL's, 15 and later.
 */
export interface Sql {
  /** Runs one statement with parameters `$1…`, committed when it resolves; its rows. Rejects with SqlError. */
  query(text: string, parameters?: readonly SqlValue[]): Promise<Row[]>

  /**
   * As `query`, planned once per session instead of every time: for statements that are run over and over and whose
   * best plan is the same for all parameters.
   */
  prepared(statement: PreparedStatement, parameters?: readonly SqlValue[]): Promise<Row[]>

  /** Runs a script of several statements without parameters, in one transaction. Rejects with SqlError. */
  script(text: string): Promise<void>

  close(): Promise<void>
}

export interface PreparedStatement {
  /** Of this text and no other. */
  readonly name: string
  readonly text: string
}

/** Arrays travel as PostgreSQL's array literals (`array-literal.ts`), JSON as text: any driver passes them on as they are. */
export type SqlValue = string | number | boolean | null

export type Row = Readonly<Record<string, unknown>>

/** A statement that failed, with its SQLSTATE (https://www.postgresql.org/docs/current/errcodes-appendix.html). */
export class SqlError extends Error {
  override readonly name: string = 'SqlError'
  readonly sqlState: string

  constructor(message: string, sqlState: string, options?: ErrorOptions) {
    super(message, options)
    this.sqlState = sqlState
  }

  /**
   * The data of one row is at fault; the same rows fail again. Classes 22 (data), 23 (constraints) and 54 (limits: a key
   * too long for its index, JSON too deep).
   */
  get isDataError(): boolean {
    return ['22', '23', '54'].includes(this.sqlState.slice(0, 2))
  }

  /**
   * Connection, serialization, resources, shutdown, the system (classes 08, 40, 53, 57, 58, and XX: it failed inside and
   * starts again): the same statement may succeed.
   */
  get isTransient(): boolean {
    return ['08', '40', '53', '57', '58', 'XX'].includes(this.sqlState.slice(0, 2))
  }
}

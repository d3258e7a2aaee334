import { messages, type PGlite, parse, protocol } from '@electric-sql/pglite'
import { BOUNDS } from '../config/bounds.ts'
import { type PreparedStatement, type Row, type Sql, SqlError, type SqlValue } from './sql.ts'

/**
 * The SQL port over a PGlite instance (`open-pglite.ts`), which it owns: one session, statements run one after the other.
 *
 * A statement travels as one message of the PostgreSQL protocol, parse to sync, where PGlite's own `query` takes five.
 * PGlite swallows the traps of its WebAssembly (an overflown stack): the statement then ends without an answer. That, and
 * every internal error of PostgreSQL, is class XX here. The instance does nothing more after one, so that another can be
 * opened on its directory, and recovers. The same holds for a PANIC, whatever its class: after one for want of disk (53100,
 * its write-ahead log can't grow) PGlite never answers again.
 *
 * It also does a server's housekeeping: PGlite's single-user PostgreSQL never checkpoints by itself, and its write-ahead
 * log would grow without bound.
 */
export class PgliteSql implements Sql {
  /** A checkpoint takes about 1 ms per MiB, during which nothing else runs. */
  static readonly #walBytesMax = BOUNDS.store.walBytesMax
  static readonly #queriesPerCheck = BOUNDS.store.statementsPerWalCheck

  readonly #pg: PGlite
  readonly #prepared = new Set<string>()
  /** Nothing more is to be had from this instance. */
  isBroken = false
  #queries = 0
  #checkpointLsn = '0/0'

  constructor(pg: PGlite) {
    this.#pg = pg
  }

  async query(text: string, parameters: readonly SqlValue[] = []): Promise<Row[]> {
    await this.#checkpointWhenDue()
    return this.#run([serialize.parse({ text }), ...execution('', parameters)])
  }

  async prepared({ name, text }: PreparedStatement, parameters: readonly SqlValue[] = []): Promise<Row[]> {
    await this.#checkpointWhenDue()
    if (this.#prepared.has(name)) return this.#run(execution(name, parameters))
    // Closed first: an execution that failed leaves the statement prepared, but not in this set.
    const preparation = [serialize.close({ type: 'S', name }), serialize.parse({ name, text })]
    const rows = await this.#run([...preparation, ...execution(name, parameters)])
    this.#prepared.add(name)
    return rows
  }

  async script(text: string): Promise<void> {
    await this.#run([serialize.query(text)])
  }

  /** Finishes the statements that have been given to it. */
  async close(): Promise<void> {
    if (this.#pg.ready && !this.isBroken) await this.#pg.close()
  }

  async #run(parts: readonly Uint8Array[]): Promise<Row[]> {
    if (!this.#pg.ready) throw new SqlError('the database is closed', '08003')
    const message = new Uint8Array(Buffer.concat(parts))
    const answer = await this.#pg.runExclusive(() => this.#exchange(message))
    return parse.parseResults(answer, this.#pg.parsers).at(-1)?.rows as Row[]
  }

  async #exchange(message: Uint8Array): Promise<messages.BackendMessage[]> {
    if (this.isBroken) throw new SqlError('the database broke before this statement', '08006')
    try {
      const answer = await this.#pg.execProtocolStream(message, { syncToFs: false })
      const names = new Set(answer.map(({ name }) => name))
      if (names.has('commandComplete') && names.has('readyForQuery')) return answer
      throw new SqlError('the statement broke PGlite, which gave no answer', 'XX000')
    } catch (cause) {
      const error = sqlErrorOf(cause)
      this.isBroken ||= error.sqlState.startsWith('XX') || isFatal(cause)
      throw error
    }
  }

  async #checkpointWhenDue(): Promise<void> {
    if (++this.#queries % PgliteSql.#queriesPerCheck > 0) return
    const [wal] = await this.#run([
      serialize.query(`
        select lsn::text, lsn - '${this.#checkpointLsn}' > ${PgliteSql.#walBytesMax} as is_due
        from pg_current_wal_insert_lsn() as lsn`),
    ])
    if (!wal?.is_due) return
    await this.script('checkpoint')
    this.#checkpointLsn = String(wal.lsn)
  }
}

const { serialize } = protocol

function execution(statement: string, parameters: readonly SqlValue[]): Uint8Array[] {
  const values = parameters.map((value) => (value === null ? null : String(value)))
  return [
    serialize.bind({ statement, values }),
    serialize.describe({ type: 'P' }),
    serialize.execute({}),
    serialize.sync(),
  ]
}

const isFatal = (cause: unknown): boolean =>
  cause instanceof messages.DatabaseError && (cause.severity === 'PANIC' || cause.severity === 'FATAL')

function sqlErrorOf(cause: unknown): SqlError {
  if (cause instanceof SqlError) return cause
  if (!(cause instanceof messages.DatabaseError)) return new SqlError(String(cause), 'XX000', { cause })
  const { message, detail, where, code } = cause
  return new SqlError([message, detail, where].filter(Boolean).join(' · '), code ?? 'XX000', { cause })
}

import { BOUNDS } from '../config/bounds.ts'
import { type PreparedStatement, type Row, type Sql, SqlError, type SqlValue } from './sql.ts'
import type { SqlAnswer, SqlRequest } from './sql-messages.ts'

/**
 * The SQL port over a database on another thread (`pglite-thread.ts`). Its owner hands it what that thread posts
 * (`receive`) and says when the thread is gone (`lost`). It outlives the thread: as long as there is none, statements fail
 * as transient, and go to the next one after that.
 *
 * Every statement settles: with its answer, or with SqlError 08006 when the thread ends before (then it may have been
 * committed or not), 08001 when there is no thread, 53000 when too many are outstanding.
 */
interface SqlThread {
  post(message: SqlRequest): 'accepted' | 'full' | 'dead'
}

interface Outstanding {
  resolve(rows: Row[]): void
  reject(error: SqlError): void
}

export class ThreadSql implements Sql {
  readonly #thread: SqlThread
  readonly #outstandingMax: number
  readonly #outstanding = new Map<number, Outstanding>()
  #lastId = 0
  #isClosed = false

  constructor(thread: SqlThread, outstandingMax: number = BOUNDS.store.statementsOutstandingMax) {
    this.#thread = thread
    this.#outstandingMax = outstandingMax
  }

  query(text: string, parameters: readonly SqlValue[] = []): Promise<Row[]> {
    return this.#send({ id: ++this.#lastId, text, parameters })
  }

  prepared(statement: PreparedStatement, parameters: readonly SqlValue[] = []): Promise<Row[]> {
    return this.#send({ id: ++this.#lastId, prepared: statement, parameters })
  }

  async script(text: string): Promise<void> {
    await this.#send({ id: ++this.#lastId, script: text })
  }

  /** What the thread posted. Answers to statements that have been given up are ignored. */
  receive(message: unknown): void {
    const answer = message as SqlAnswer
    const outstanding = this.#outstanding.get(answer.id)
    this.#outstanding.delete(answer.id)
    if ('rows' in answer) outstanding?.resolve(answer.rows)
    else outstanding?.reject(new SqlError(answer.error.message, answer.error.sqlState))
  }

  /** The thread has ended, and what it posted has been received. */
  lost(reason: string): void {
    const outstanding = [...this.#outstanding.values()]
    this.#outstanding.clear()
    for (const { reject } of outstanding)
      reject(new SqlError(`the database thread ended before it answered: ${reason}`, '08006'))
  }

  /** Refuses further statements. The thread itself is its supervisor's to stop. */
  async close(): Promise<void> {
    this.#isClosed = true
  }

  #send(request: SqlRequest): Promise<Row[]> {
    if (this.#isClosed) return refused('the database is closed', '08003')
    if (this.#outstanding.size >= this.#outstandingMax)
      return refused(`${this.#outstandingMax} statements wait for the database already`, '53000')
    // Registered first: a thread on the same event loop may answer at once.
    const answered = new Promise<Row[]>((resolve, reject) =>
      this.#outstanding.set(request.id, { resolve, reject }),
    )
    const admission = this.#thread.post(request)
    if (admission === 'accepted') return answered
    this.#outstanding.delete(request.id)
    return admission === 'full'
      ? refused('the mailbox of the database thread is full', '53000')
      : refused('the database thread is not running', '08001')
  }
}

const refused = (message: string, sqlState: string): Promise<never> =>
  Promise.reject(new SqlError(message, sqlState))

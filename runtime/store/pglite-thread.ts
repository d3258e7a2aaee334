import type { ThreadContext, ThreadModule } from '../threads/thread-module.ts'
import { openPglite } from './open-pglite.ts'
import { PgliteSql } from './pglite-sql.ts'
import { type Row, SqlError } from './sql.ts'
import type { SqlAnswer, SqlRequest } from './sql-messages.ts'

/**
 * PGlite as a thread actor: takes SqlRequests, answers each with one SqlAnswer. An error that breaks the database is
 * answered and then ends the thread: opened again, the database recovers from its write-ahead log.
 */
export interface PgliteThreadArgs {
  directory: string
}

const pgliteThread: ThreadModule<PgliteThreadArgs> = async ({ directory }, thread) => {
  const sql = new PgliteSql(await openPglite(directory))
  let outstanding = 0
  return {
    async receive(message) {
      thread.setBusy(++outstanding)
      await answer(sql, message as SqlRequest, thread)
      thread.setBusy(--outstanding)
    },
    /** Statements that have been received are finished first. */
    terminate: () => sql.close(),
  }
}

export default pgliteThread

async function answer(sql: PgliteSql, request: SqlRequest, thread: ThreadContext): Promise<void> {
  const { id } = request
  const post = (answer: SqlAnswer): void => thread.post(answer)
  try {
    post({ id, rows: await run(sql, request) })
  } catch (error) {
    if (!(error instanceof SqlError)) throw error
    post({ id, error: { message: error.message, sqlState: error.sqlState } })
    if (sql.isBroken) throw error
  }
}

async function run(sql: PgliteSql, request: SqlRequest): Promise<Row[]> {
  if ('text' in request) return sql.query(request.text, request.parameters)
  if ('prepared' in request) return sql.prepared(request.prepared, request.parameters)
  await sql.script(request.script)
  return []
}

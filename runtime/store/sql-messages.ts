import type { PreparedStatement, Row, SqlValue } from './sql.ts'

/** What `thread-sql.ts` and `pglite-thread.ts` send to each other. Answers may come in any order. */
export type SqlRequest =
  | { id: number; text: string; parameters: readonly SqlValue[] }
  | { id: number; prepared: PreparedStatement; parameters: readonly SqlValue[] }
  | { id: number; script: string }

export type SqlAnswer =
  | { id: number; rows: Row[] }
  | { id: number; error: { message: string; sqlState: string } }

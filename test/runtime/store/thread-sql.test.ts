import { expect, test } from 'vitest'
import type { SqlRequest } from '../../../runtime/store/sql-messages.ts'
import { ThreadSql } from '../../../runtime/store/thread-sql.ts'

function threadSql(outstandingMax?: number) {
  const posted: SqlRequest[] = []
  const thread = { admission: 'accepted' as 'accepted' | 'full' | 'dead' }
  const post = (message: SqlRequest) => {
    if (thread.admission === 'accepted') posted.push(message)
    return thread.admission
  }
  return { sql: new ThreadSql({ post }, outstandingMax), posted, thread }
}

const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error) => ({ sqlState: error.sqlState, isTransient: error.isTransient }),
  )

test('each statement gets its own answer, in whatever order they come', async () => {
  const { sql, posted } = threadSql()
  const statement = { name: 's', text: 'select 3' }
  const answers = [sql.query('select $1', ['x']), sql.script('create'), sql.prepared(statement, [1])]
  expect(posted).toMatchObject([
    { text: 'select $1', parameters: ['x'] },
    { script: 'create' },
    { prepared: statement, parameters: [1] },
  ])
  for (const { id } of [...posted].reverse()) sql.receive({ id, rows: [{ id }] })
  expect(await Promise.all(answers)).toEqual([[{ id: posted[0]?.id }], undefined, [{ id: posted[2]?.id }]])
})

test('an error keeps its SQLSTATE', async () => {
  const { sql, posted } = threadSql()
  const answer = sql.query('select 1')
  sql.receive({ id: posted[0]?.id, error: { message: 'no', sqlState: '23505' } })
  await expect(answer).rejects.toMatchObject({ name: 'SqlError', message: 'no', sqlState: '23505' })
})

test('the end of the thread rejects everything outstanding as transient, and the next thread takes over', async () => {
  const { sql, posted } = threadSql()
  const lost = [sql.query('a'), sql.script('b')].map(failure)
  sql.lost('killed')
  expect(await Promise.all(lost)).toEqual(Array(2).fill({ sqlState: '08006', isTransient: true }))

  const answer = sql.query('c')
  sql.receive({ id: posted[0]?.id, rows: [{ of: 'the thread that is gone' }] })
  sql.receive({ id: posted[2]?.id, rows: [{ of: 'c' }] })
  expect(await answer).toEqual([{ of: 'c' }])
})

test('without a thread, or with its mailbox full, a statement is refused at once as transient', async () => {
  const { sql, posted, thread } = threadSql()
  thread.admission = 'dead'
  expect(await failure(sql.query('a'))).toEqual({ sqlState: '08001', isTransient: true })
  thread.admission = 'full'
  expect(await failure(sql.query('b'))).toEqual({ sqlState: '53000', isTransient: true })
  thread.admission = 'accepted'
  const answer = sql.query('c')
  sql.receive({ id: posted[0]?.id, rows: [] })
  expect(await answer).toEqual([])
})

test('statements outstanding are bounded; an answer makes room', async () => {
  const { sql, posted } = threadSql(2)
  const [first] = [sql.query('a'), failure(sql.query('b'))]
  expect(await failure(sql.query('c'))).toEqual({ sqlState: '53000', isTransient: true })
  sql.receive({ id: posted[0]?.id, rows: [] })
  await first
  const last = failure(sql.query('d'))
  expect(posted).toHaveLength(3)
  sql.lost('end of the test')
  await last
})

test('closed, it sends nothing more; what is outstanding is still answered', async () => {
  const { sql, posted } = threadSql()
  const answer = sql.query('a')
  await sql.close()
  expect(await failure(sql.query('b'))).toMatchObject({ sqlState: '08003' })
  sql.receive({ id: posted[0]?.id, rows: [] })
  expect(await answer).toEqual([])
  expect(posted).toHaveLength(1)
})

import type { Facts, RowFact } from './facts.ts'
import type { Judgement } from './judge.ts'
import { acceptedIds, type LedgerEntry } from './ledger.ts'
import type { TreeNode } from './operations-port.ts'
import type { Poison } from './workload.ts'

/** What the row of each poison has to say of its end. */
const REASONS: Readonly<Record<Poison, { code: string; message: RegExp }>> = {
  throw: { code: 'thread-lost', message: /thrown out of a timer/ },
  loop: { code: 'thread-lost', message: /unresponsive/ },
  array: { code: 'thread-lost', message: /oom|memory|heap/i },
  objects: { code: 'thread-lost', message: /oom|memory|heap/i },
  exit: { code: 'thread-lost', message: /exit/ },
  'end-process': { code: 'process-lost', message: /./ },
}

/** Every poison is dead, of what it did. Pure. */
export function judgePoison(ledger: readonly LedgerEntry[], facts: Facts): Judgement {
  const rows = new Map(facts.rows.map((row) => [row.id, row]))
  const poisons = ledger.flatMap((entry) => {
    const { poison } = entry.job
    return poison ? acceptedIds(entry).map((id) => ({ id, poison })) : []
  })
  const ways = Map.groupBy(poisons, ({ poison }) => poison)
  return {
    promise: 'poison',
    summary: `${[...ways].map(([way, of]) => `${of.length} × ${way}`).join(', ')}: each dead of that`,
    offences: poisons.flatMap(({ id, poison }) => {
      const offence = whyNotDead(rows.get(id), REASONS[poison])
      return offence ? [`${id}, told to ${poison}, ${offence}`] : []
    }),
  }
}

function whyNotDead(
  row: RowFact | undefined,
  { code, message }: { code: string; message: RegExp },
): string | undefined {
  if (row?.state !== 'dead') return `is ${row?.state ?? 'not in the table'}`
  if (row.errorCode !== code || !message.test(row.errorMessage ?? ''))
    return `is dead of ${row.errorCode}: ${row.errorMessage}; not of ${code}: ${message.source}`
  return undefined
}

/** Every job that was no poison is done, at its first attempt: nobody else's death was charged to it. Pure. */
export function judgeInnocents(ledger: readonly LedgerEntry[], facts: Facts): Judgement {
  const rows = new Map(facts.rows.map((row) => [row.id, row]))
  const innocents = ledger
    .filter(({ job }) => !job.isDoomed)
    .flatMap((entry) => acceptedIds(entry).map((id) => ({ id, job: entry.job, row: rows.get(id) })))
  return {
    promise: 'innocents',
    summary: `${innocents.length.toLocaleString('en-US')} jobs beside, each done at its first attempt`,
    offences: innocents.flatMap(({ id, job, row }) =>
      row && (row.state === 'done' || row.state === 'thin') && row.attempt === 1
        ? []
        : [
            `${id} (${job.kind}) is ${row ? `${row.state} at attempt ${row.attempt}` : 'not in the table'}: ${row?.errorCode ?? 'no error'}`,
          ],
    ),
  }
}

/** No supervisor has given up: each runs in its first incarnation. Pure. */
export function judgeBudgets(actors: readonly TreeNode[]): Judgement {
  const supervisors = actors.filter(({ type, path }) => type === 'supervisor' && path !== '/node')
  return {
    promise: 'budgets',
    summary: `${supervisors.length} supervisors, none of which gave up`,
    offences: supervisors
      .filter(({ incarnation }) => incarnation !== 1)
      .map(
        ({ path, incarnation }) =>
          `${path} is in incarnation ${incarnation}: its budget was spent, or that of one above`,
      ),
  }
}

import type { Outcome } from '../../runtime/job/outcome.ts'
import { type CommitVerdict, OutcomeDataError } from '../../runtime/store/job-store.ts'
import { SqlError } from '../../runtime/store/sql.ts'

/**
 * Commits a batch; when its data is at fault, finds the guilty jobs (named by the store, else by halving the batch until
 * one is alone) and commits them as `dead`, without their writes. The order of the batch is kept, so jobs of one ordering key stay in theirs.
 *
 * `commit` may give undefined (it was told to stop): so does this then. Other errors than of data pass through.
 */
export interface Committed {
  outcome: Outcome
  verdict: CommitVerdict
}

export async function commitBisecting(
  batch: readonly Outcome[],
  commit: (outcomes: readonly Outcome[]) => Promise<CommitVerdict[] | undefined>,
): Promise<Committed[] | undefined> {
  try {
    const verdicts = await commit(batch)
    return verdicts?.map((verdict, i) => ({ outcome: batch[i] as Outcome, verdict }))
  } catch (cause) {
    if (!(cause instanceof SqlError && cause.isDataError)) throw cause
    if (cause instanceof OutcomeDataError) return commitBisecting(buryFaults(batch, cause), commit)
    const [only] = batch
    if (batch.length > 1 || !only) return commitHalves(batch, commit)
    return commitBisecting([buried(only, cause)], commit)
  }
}

function buryFaults(batch: readonly Outcome[], { faults }: OutcomeDataError): Outcome[] {
  const errors = new Map(faults.map(({ position, error }) => [position, error]))
  return batch.map((outcome, position) => {
    const error = errors.get(position)
    return error ? buried(outcome, error) : outcome
  })
}

async function commitHalves(
  batch: readonly Outcome[],
  commit: (outcomes: readonly Outcome[]) => Promise<CommitVerdict[] | undefined>,
): Promise<Committed[] | undefined> {
  const middle = Math.ceil(batch.length / 2)
  const first = await commitBisecting(batch.slice(0, middle), commit)
  const second = first && (await commitBisecting(batch.slice(middle), commit))
  return second && [...first, ...second]
}

function buried(outcome: Outcome, refusal: SqlError): Outcome {
  // Already dead and still refused: nothing of it can be stored, and nobody would find it.
  if (outcome.error?.code === 'data-error') throw refusal
  const { envelope, origin, startedAtMs, finishedAtMs } = outcome
  const error = {
    code: 'data-error',
    message: `the database refused what the handler wrote (${refusal.sqlState}): ${refusal.message}`,
  }
  return { envelope, origin, state: 'dead', error, writes: [], skipped: [], startedAtMs, finishedAtMs }
}

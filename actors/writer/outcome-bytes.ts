import type { Outcome } from '../../runtime/job/outcome.ts'

/**
 * What an outcome brings to the database, in bytes: its result, its rows, and the body of a job that may run again.
 * What is no text counts as nothing here: the store refuses it by job.
 */
export function outcomeBytes({ envelope, origin, state, result, writes }: Outcome): number {
  let bytes = textBytes(result)
  if (origin.from === 'log' && state !== 'done') bytes += envelope.body.byteLength
  for (const row of writes) for (const value of row?.values ?? []) bytes += textBytes(value)
  return bytes
}

const textBytes = (text: unknown): number => (typeof text === 'string' ? Buffer.byteLength(text) : 0)

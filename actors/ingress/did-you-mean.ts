import { closest, distance } from 'fastest-levenshtein'
import { quotedUpTo } from '../../runtime/http/refusal.ts'

/** ` (did you mean "x"?)` when a name is near one of the candidates, else nothing. */
export function didYouMean(name: string, candidates: readonly string[]): string {
  if (candidates.length === 0 || name.length > NAME_CHARS_MAX) return ''
  const nearest = closest(name, candidates)
  // Two edits are a transposition.
  const editsMax = Math.max(2, Math.floor(nearest.length / 3))
  return distance(name, nearest) <= editsMax ? ` (did you mean "${nearest}"?)` : ''
}

/** A name as sent, quoted and bounded, for the detail of a problem. */
export const quoted = (name: string): string => quotedUpTo(NAME_CHARS_MAX, name)

const NAME_CHARS_MAX = 64

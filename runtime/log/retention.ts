/**
 * Retention decides which consumed records go: those older than `ageMs`, and, while the log holds more than
 * `bytesMax`, the oldest of each partition in proportion to what it holds consumed. What some known group has not
 * committed yet is never removed, whatever its age and however full the log; appends are refused instead.
 */
export interface Retention {
  ageMs: number
  bytesMax: number
}

/** Share of the consumed bytes that has to go to get the log back to `bytesMax`: 0 to 1. */
export function shareToRemove(keptBytes: number, consumedBytes: number, bytesMax: number): number {
  if (keptBytes <= bytesMax || consumedBytes <= 0) return 0
  return Math.min(1, (keptBytes - bytesMax) / consumedBytes)
}

/** The first offset from `low` to `high` for which `holds` is true, `high` if none; `holds` never turns false again. */
export function firstOffset(low: number, high: number, holds: (offset: number) => boolean): number {
  while (low < high) {
    const middle = Math.floor((low + high) / 2)
    if (holds(middle)) high = middle
    else low = middle + 1
  }
  return low
}

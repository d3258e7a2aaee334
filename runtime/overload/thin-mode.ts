/**
 * Thin mode (SEED): enrichments go off when the oldest unfinished job is older than `onAboveMs`, and come back when it is
 * younger than `offBelowMs`. The gap keeps it from flapping. Pure.
 */
export interface ThinThresholds {
  onAboveMs: number
  offBelowMs: number
}

export function nextThin(
  thin: boolean,
  headAgeMs: number,
  { onAboveMs, offBelowMs }: ThinThresholds,
): boolean {
  return thin ? headAgeMs >= offBelowMs : headAgeMs > onAboveMs
}

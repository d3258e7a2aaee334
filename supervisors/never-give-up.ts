import { BOUNDS } from '../runtime/config/bounds.ts'

/** A budget that is never spent, for what waits out its own back-off and must not use up what the others stand on (S7). */
export const NEVER_GIVE_UP = {
  intensity: Number.POSITIVE_INFINITY,
  periodMs: BOUNDS.kernel.restartPeriodMs,
}

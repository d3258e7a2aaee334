/**
 * Restart intensity, as in OTP: *more than* `intensity` restarts within `periodMs` is too many. A sliding window, one per
 * supervisor; pure, as supervisor.erl's `add_restart`: a restart that is exactly `periodMs` old still counts.
 */
export interface RestartIntensity {
  /** Infinity: it never gives up. */
  intensity: number
  periodMs: number
  /** Ends of children that were up do not count: they are restarted, after their back-off, however many there are. */
  failedStartsOnly?: boolean
}

export type RestartWindow = readonly number[]

export function addRestart(
  window: RestartWindow,
  nowMs: number,
  { intensity, periodMs }: RestartIntensity,
): { window: RestartWindow; exceeded: boolean } {
  const recent = [...within(window, nowMs, periodMs), nowMs]
  return { window: recent, exceeded: recent.length > intensity }
}

export const within = (window: RestartWindow, nowMs: number, periodMs: number): RestartWindow =>
  window.filter((at) => nowMs - at <= periodMs)

/**
 * Restart intensity, as in OTP: *more than* `intensity` restarts within `periodMs` is too many. A sliding window;
 * pure, as supervisor.erl's `add_restart`.
 */
export interface RestartIntensity {
  intensity: number
  periodMs: number
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
  window.filter((at) => nowMs - at < periodMs)

import type { SettingPath } from './settings.ts'

/** Values that are allowed one by one but not together. */
export interface Conflict {
  /** The settings that would have to change; the loader says where each of them comes from. */
  settings: readonly SettingPath[]
  problem: string
}

export const unless = (holds: boolean, settings: readonly SettingPath[], problem: string): Conflict[] =>
  holds ? [] : [{ settings, problem }]

/** A number with the name that an error gives it, and the settings that it depends on (none for a bound). */
export interface Quantity {
  name: string
  value: number
  settings: readonly SettingPath[]
}

export const atMost = (low: Quantity, high: Quantity, why: string): Conflict[] =>
  unless(
    low.value <= high.value,
    [...low.settings, ...high.settings],
    `${low.name} ${low.value} is above ${high.name} ${high.value}: ${why}`,
  )

export const product = (...factors: readonly Quantity[]): Quantity => ({
  name: factors.map((factor) => factor.name).join(' × '),
  value: factors.reduce((value, factor) => value * factor.value, 1),
  settings: factors.flatMap((factor) => factor.settings),
})

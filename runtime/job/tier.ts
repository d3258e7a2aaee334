/** Priority tiers, highest first. The order of this list is the order of service (DESIGN section 5). */
export const TIERS = ['critical', 'normal', 'low'] as const
export type Tier = (typeof TIERS)[number]

export const isTier = (value: unknown): value is Tier => TIERS.includes(value as Tier)

import { TIERS, type Tier } from '../../runtime/job/tier.ts'

/**
 * Strict priority with floors: the highest waiting tier goes first, but of all starts NORMAL gets at least 10 % and LOW at
 * least 2 % while they have work. (Earliest deadline first would put old NORMAL before fresh CRITICAL under overload.)
 *
 * With each start every tier that waits earns its floor, in percent of a start; a hundred buy one.
 */
const FLOORS: Readonly<Record<Tier, number>> = { critical: 0, normal: 10, low: 2 }
const ONE_START = 100

export type TierCredits = Readonly<Record<Tier, number>>

export const NO_CREDITS: TierCredits = { critical: 0, normal: 0, low: 0 }

/** Pure: which tier starts the next job, and what the others have earned by waiting. */
export function nextTier(
  credits: TierCredits,
  hasWork: (tier: Tier) => boolean,
): { tier: Tier; credits: TierCredits } | undefined {
  const waiting = TIERS.filter(hasWork)
  const highest = waiting[0]
  if (highest === undefined) return undefined
  // The lowest floor first: it comes due least often.
  const tier = waiting.toReversed().find((t) => credits[t] >= ONE_START) ?? highest
  const after = { ...NO_CREDITS }
  for (const each of waiting) {
    const earned = credits[each] + FLOORS[each]
    after[each] = each === tier ? Math.max(0, earned - ONE_START) : earned
  }
  return { tier, credits: after }
}

/**
 * What a lead's message says about buying, by the phrases in it. Local and deterministic; only the beginning of the
 * message is read, so that its cost is bounded.
 */
export const INTENTS = ['buying', 'evaluating', 'urgent', 'selling'] as const
export type Intent = (typeof INTENTS)[number]

const READ_CHARS_MAX = 1_000

const PHRASES: Readonly<Record<Intent, RegExp>> = {
  buying: /\b(?:pricing|prices?|quotes?|proposal|contract|licen[cs]es?|purchase|buy|order|budget)\b/i,
  evaluating:
    /\b(?:demo|trial|pilot|proof of concept|poc|evaluat(?:e|ing|ion)|compar(?:e|ing|ison)|migrat(?:e|ing|ion))\b/i,
  urgent:
    /\b(?:asap|urgent(?:ly)?|immediately|deadline|this (?:week|month|quarter)|end of (?:month|quarter|year))\b/i,
  // Somebody who wants to sell to us, or something else than the product.
  selling:
    /\b(?:seo|backlinks?|guest posts?|link building|web ?design services|internship|homework|thesis)\b/i,
}

export function intentsOf(message: string): Intent[] {
  const text = message.slice(0, READ_CHARS_MAX)
  return INTENTS.filter((intent) => PHRASES[intent].test(text))
}

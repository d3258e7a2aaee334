import type { ProblemCode } from '../job/problem.ts'

/** What checking something gave: a value, or why not, ready to be answered. Operating errors are values here. */
export type Checked<T> = { ok: true; value: T } | Refusal

export interface Refusal {
  ok: false
  code: ProblemCode
  detail?: string | undefined
  /** Seconds, answered as `Retry-After`. */
  retryAfterS?: number | undefined
}

export const refuse = (code: ProblemCode, detail?: string, retryAfterS?: number): Refusal => ({
  ok: false,
  code,
  detail,
  retryAfterS,
})

/** What somebody sent, for the detail of a refusal: quoted, and cut where it is long. */
export const quotedUpTo = (charsMax: number, text: string): string =>
  JSON.stringify(text.length > charsMax ? `${text.slice(0, charsMax)}…` : text)

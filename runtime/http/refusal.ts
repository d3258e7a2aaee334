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

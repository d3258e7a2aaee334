import type { JobError } from '../job/outcome.ts'
import { SqlError } from './sql.ts'

/**
 * What a client or an error said as text that PostgreSQL takes: it takes no NUL. (What handlers return is checked where
 * they run.) Lone surrogates become U+FFFD, as in any UTF-8 encoding.
 */

/** Bounds of what is kept of an error, in characters. */
const MESSAGE_CHARS_MAX = 4_000
const STACK_CHARS_MAX = 16_000

/** Throws the SqlError that the database would give, which could not name the guilty job. */
export function storableText(what: string, value: string): string {
  if (value.includes('\0')) throw new SqlError(`${what} holds a NUL character`, '22021')
  return value
}

/** For what must be storable in any case, since it tells of a failure. */
export const forcedText = (value: string, charsMax = MESSAGE_CHARS_MAX): string =>
  value.slice(0, charsMax).replaceAll('\0', '\ufffd').toWellFormed()

export function errorJson({ code, message, stack }: JobError): string {
  return JSON.stringify({
    code: forcedText(code),
    message: forcedText(message),
    ...(stack !== undefined && { stack: forcedText(stack, STACK_CHARS_MAX) }),
  })
}

import type { JobError } from '../job/outcome.ts'
import { SqlError } from './sql.ts'

/**
 * Values as text that PostgreSQL takes. What it never takes is found here, where the guilty job is known, and thrown as
 * the SqlError that the database would have given: NUL in text (22021) and in JSON (22P05), values that JSON cannot hold
 * (22032), JSON nested too deeply (54001). Lone surrogates become U+FFFD, as in any UTF-8 encoding.
 */

/** PostgreSQL goes deeper, but in WebAssembly it overflows its stack somewhere above 6,000 and is lost. */
const JSON_DEPTH_MAX = 500

/** Bounds of what is kept of an error, in characters. */
const MESSAGE_CHARS_MAX = 4_000
const STACK_CHARS_MAX = 16_000

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

export function storableJson(what: string, value: unknown): string {
  const json = stringify(what, value)
  if (json.length > 2 * JSON_DEPTH_MAX && depthOf(json) > JSON_DEPTH_MAX)
    throw new SqlError(`${what} is nested deeper than ${JSON_DEPTH_MAX}`, '54001')
  return json.includes('\\u') ? repaired(what, json) : json
}

function stringify(what: string, value: unknown): string {
  let json: string | undefined
  try {
    json = JSON.stringify(value)
  } catch (cause) {
    // RangeError: nested so deeply that JSON.stringify ran out of stack.
    const sqlState = cause instanceof RangeError ? '54001' : '22032'
    throw new SqlError(`${what} can't be written as JSON: ${(cause as Error).message}`, sqlState, { cause })
  }
  if (json === undefined) throw new SqlError(`${what} is a ${typeof value}, which JSON can't hold`, '22032')
  return json
}

/** JSON.stringify escapes control characters and lone surrogates only; escapes are read one after the other. */
const repaired = (what: string, json: string): string =>
  json.replace(/\\(?:u(....)|.)/g, (escaped, hex: string | undefined) => {
    if (hex === '0000') throw new SqlError(`${what} holds a NUL character`, '22P05')
    return hex?.startsWith('d') ? '\\ufffd' : escaped
  })

function depthOf(json: string): number {
  let depth = 0
  let deepest = 0
  for (const [token] of json.matchAll(/"(?:[^"\\]|\\.)*"|[[\]{}]/g)) {
    if (token === '[' || token === '{') deepest = Math.max(deepest, ++depth)
    else if (token === ']' || token === '}') depth--
  }
  return deepest
}

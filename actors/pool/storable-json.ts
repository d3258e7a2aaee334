/**
 * A handler's value as text that `jsonb` takes, exactly what JSON keeps of it. It is text from here on to the database:
 * cheap to send to another thread, and written once. Lone surrogates become U+FFFD, as in any UTF-8 encoding.
 */
export class StorableError extends Error {
  override readonly name = 'StorableError'
}

/** PostgreSQL goes deeper, but in WebAssembly it overflows its stack somewhere above 6,000 and is lost. */
const DEPTH_MAX = 500

/**
 * Throws StorableError for what JSON or `jsonb` cannot hold (functions, cycles, BigInt, NUL, very deep nesting) and for
 * more than `bytesMax`.
 */
export function storableJson(what: string, value: unknown, bytesMax: number): string {
  const json = stringify(what, value)
  if (json === undefined) throw new StorableError(`${what} is a ${typeof value}, which JSON cannot hold`)
  if (json.length > 2 * DEPTH_MAX && depthOf(json) > DEPTH_MAX)
    throw new StorableError(`${what} is nested deeper than ${DEPTH_MAX}`)
  const storable = json.includes('\\u') ? repaired(what, json) : json
  const bytes = Buffer.byteLength(storable)
  if (bytes > bytesMax)
    throw new StorableError(`${what} takes ${bytes} bytes as JSON; at most ${bytesMax} are stored`)
  return storable
}

function stringify(what: string, value: unknown): string | undefined {
  try {
    return JSON.stringify(value)
  } catch (cause) {
    throw new StorableError(`${what} cannot be written as JSON: ${(cause as Error).message}`, { cause })
  }
}

/** JSON.stringify escapes control characters and lone surrogates only; escapes are read one after the other. */
const repaired = (what: string, json: string): string =>
  json.replace(/\\(?:u(....)|.)/g, (escaped, hex: string | undefined) => {
    if (hex === '0000')
      throw new StorableError(`${what} holds a NUL character, which PostgreSQL cannot store`)
    return hex?.startsWith('d') ? '\\ufffd' : escaped
  })

/** How deep arrays and objects are nested; brackets in strings do not count. */
function depthOf(json: string): number {
  let depth = 0
  let deepest = 0
  for (let i = 0; i < json.length; i++) {
    const char = json.charCodeAt(i)
    if (char === QUOTE) i = endOfString(json, i)
    else if (char === BRACKET || char === BRACE) deepest = Math.max(deepest, ++depth)
    else if (char === BRACKET + 2 || char === BRACE + 2) depth--
  }
  return deepest
}

/** Of the closing quote; in JSON one that is not escaped follows. */
function endOfString(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); ; end = json.indexOf('"', end + 1)) {
    let backslashes = 0
    while (json.charCodeAt(end - 1 - backslashes) === BACKSLASH) backslashes++
    if (backslashes % 2 === 0) return end
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const BRACKET = 0x5b
const BRACE = 0x7b

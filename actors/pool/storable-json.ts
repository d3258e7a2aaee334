/**
 * A handler's value as `jsonb` will hold it: a plain copy, exactly what JSON keeps of it. That it is plain also means
 * that it can be sent to another thread. Lone surrogates become U+FFFD, as in any UTF-8 encoding.
 */
export class StorableError extends Error {
  override readonly name = 'StorableError'
}

export interface Storable {
  value: unknown
  bytes: number
}

/** Throws StorableError for what JSON or `jsonb` cannot hold (functions, cycles, BigInt, NUL) and for more than `bytesMax`. */
export function storableJson(what: string, value: unknown, bytesMax: number): Storable {
  if (value === undefined) return { value, bytes: 0 }
  const json = stringify(what, value)
  if (json === undefined) throw new StorableError(`${what} is a ${typeof value}, which JSON cannot hold`)
  const storable = json.includes('\\u') ? repaired(what, json) : json
  const bytes = Buffer.byteLength(storable)
  if (bytes > bytesMax)
    throw new StorableError(`${what} takes ${bytes} bytes as JSON; at most ${bytesMax} are stored`)
  return { value: JSON.parse(storable), bytes }
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

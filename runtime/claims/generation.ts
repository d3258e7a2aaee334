import { idIn, windowOf } from '../job/id.ts'
import { packBase64url, packHex } from './pack-text.ts'
import { Rows } from './rows.ts'

export interface AcceptedClaim {
  tenant: string
  /** The claim key with its window in front. */
  id: string
  /** 32 hexadecimal digits. */
  traceId: string
  /** SHA-256 in base64url, as the claim key is. */
  bodyHash: string
}

export interface StoredClaim {
  tenant: string
  id: string
  traceId: string
  hasBody(bodyHash: string): boolean
}

/**
 * Accepted claims in typed arrays, which the garbage collector does not walk: 64 bytes each. They are spread over many
 * small hash tables, each of which grows by itself: no growth stops the event loop for long.
 *
 * Of the two hashes as many bits are kept as tell them apart: 150 of the key's, 90 of the body's.
 */
const TABLES = 256
/** Ms since 1970, in two words. */
const EXPIRES_LOW = 5
const EXPIRES_HIGH = 11
const WINDOW = 6
const TENANT = 7
const BODY = 8
const BODY_WORDS = 3
const TRACE_ID = 12
const TRACE_WORDS = 4

export class Generation {
  claims = 0
  readonly #tables: readonly Rows[] = Array.from({ length: TABLES }, () => new Rows())
  readonly #tenants: string[] = []
  readonly #tenantNumbers = new Map<string, number>()

  put(claimKey: string, { tenant, id, traceId, bodyHash }: AcceptedClaim, expiresAtMs: number): void {
    const table = this.#seek(claimKey)
    const row = table.find(key) ?? this.#insertInto(table)
    const { words } = table
    words[row + EXPIRES_LOW] = expiresAtMs
    words[row + EXPIRES_HIGH] = expiresAtMs / 2 ** 32
    words[row + WINDOW] = windowOf(id)
    words[row + TENANT] = this.#numberOf(tenant)
    packBase64url(bodyHash, words, row + BODY, BODY_WORDS)
    packHex(traceId, words, row + TRACE_ID, TRACE_WORDS)
  }

  get(claimKey: string, nowMs: number): StoredClaim | undefined {
    const table = this.#seek(claimKey)
    const row = table.find(key)
    if (row === undefined) return undefined
    const { words } = table
    if (words[row + EXPIRES_HIGH]! * 2 ** 32 + words[row + EXPIRES_LOW]! <= nowMs) return undefined
    return {
      tenant: this.#tenants[words[row + TENANT]!]!,
      id: idIn(words[row + WINDOW]!, claimKey),
      traceId: Array.from(words.subarray(row + TRACE_ID, row + TRACE_ID + TRACE_WORDS), hex8).join(''),
      hasBody: (bodyHash) => {
        packBase64url(bodyHash, body, 0, BODY_WORDS)
        return body.every((word, i) => word === words[row + BODY + i])
      },
    }
  }

  /** Packs the key into `key` and says which table it belongs to. */
  #seek(claimKey: string): Rows {
    packBase64url(claimKey, key, 0, key.length)
    const table = this.#tables[key[0]! % TABLES]!
    key[0]! |= NOT_ZERO
    return table
  }

  #insertInto(table: Rows): number {
    this.claims++
    return table.insert(key)
  }

  #numberOf(tenant: string): number {
    const known = this.#tenantNumbers.get(tenant)
    if (known !== undefined) return known
    const number = this.#tenants.push(tenant) - 1
    this.#tenantNumbers.set(tenant, number)
    return number
  }
}

// Scratch for one call: nothing here waits.
const key = new Uint32Array(Rows.KEY_WORDS)
const body = new Uint32Array(BODY_WORDS)

/** Above the 30 bits of a packed word. */
const NOT_ZERO = 1 << 30

const hex8 = (word: number): string => word.toString(16).padStart(8, '0')

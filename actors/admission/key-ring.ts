import { hash } from 'node:crypto'

/**
 * API keys, known by their SHA-256 only: the keys file and the heap hold nothing that opens a door. What is compared is the
 * hash of what was presented, so that timing tells nothing about a key: who guesses can't choose how many digits match.
 */
export interface TenantKey {
  tenant: string
  /** 64 hexadecimal digits. */
  sha256: string
}

export class KeyRing {
  readonly #tenants = new Map<string, string>()

  constructor(keys: Iterable<TenantKey>) {
    for (const { tenant, sha256 } of keys) this.#tenants.set(sha256.toLowerCase(), tenant)
  }

  tenantOf(key: string): string | undefined {
    return this.#tenants.get(hash('sha256', key, 'hex'))
  }
}

class KeysFileError extends Error {
  override readonly name = 'KeysFileError'
}

export const TENANT = /^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$/

/** Reads the text of a keys file: `[{"tenant": "acme", "sha256": "…"}]`. Throws KeysFileError naming entry and field. */
export function parseKeysFile(path: string, text: string): TenantKey[] {
  const refuse = (what: string): never => {
    throw new KeysFileError(`keys file ${path}: ${what}`)
  }
  let entries: unknown
  try {
    entries = JSON.parse(text)
  } catch (cause) {
    throw new KeysFileError(`keys file ${path} is not JSON`, { cause })
  }
  if (!Array.isArray(entries) || entries.length === 0)
    return refuse('must be a list of at least one { tenant, sha256 }')
  return entries.map((entry, index) => {
    const { tenant, sha256 } = Object(entry)
    if (typeof tenant !== 'string' || !TENANT.test(tenant))
      return refuse(`entry ${index}: tenant must match ${TENANT}`)
    if (typeof sha256 !== 'string' || !/^[0-9a-fA-F]{64}$/.test(sha256))
      return refuse(`entry ${index} (${tenant}): sha256 must be 64 hexadecimal digits, the hash of the key`)
    return { tenant, sha256 }
  })
}

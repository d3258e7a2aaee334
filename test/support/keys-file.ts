import { hash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Writes a keys file into a directory: for each tenant the key `sk-<tenant>`. Returns the flags of a node that uses it. */
export function keysFlags(directory: string, tenants: readonly string[]): string[] {
  const path = join(directory, 'keys.json')
  const keys = tenants.map((tenant) => ({ tenant, sha256: hash('sha256', `sk-${tenant}`, 'hex') }))
  writeFileSync(path, JSON.stringify(keys))
  return ['--auth-mode', 'keys', '--auth-keys-file', path]
}

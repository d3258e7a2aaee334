/**
 * Run as a process of its own by the tests: accepts the claim `before` and closes the store, opens it again and accepts
 * `claim-0`, `claim-1` … until it is killed, saying so on stdout.
 */
import { writeSync } from 'node:fs'
import type { Claims } from '../../../runtime/claims/claims.ts'
import { openLmdbClaims } from '../../../runtime/claims/lmdb-claims.ts'

const [directory, now] = process.argv.slice(2)
const nowMs = Number(now)

const open = (): Promise<Claims> =>
  openLmdbClaims({ directory: directory!, onWarning: (message) => console.error(message) })

async function accept(claims: Claims, claimKey: string): Promise<void> {
  const token = claimKey
  await claims.claim(
    [{ claimKey, token, tenant: 'acme', id: 'id-1', traceId: 'trace-1', bodyHash: 'body-1' }],
    nowMs,
  )
  await claims.settle([{ claimKey, token, to: 'accepted' }], nowMs)
}

const first = await open()
await accept(first, 'before')
await first.close()
const claims = await open()
for (let i = 0; ; i++) {
  await accept(claims, `claim-${i}`)
  writeSync(1, `claim-${i}\n`)
  await new Promise((resume) => setImmediate(resume))
}

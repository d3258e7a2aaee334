import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Claims } from '../../../runtime/claims/claims.ts'
import { openLmdbClaims } from '../../../runtime/claims/lmdb-claims.ts'
import { claimsSuite, NOW, request } from '../../suites/claims-suite.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const LIFETIME_MS = 900_000

claimsSuite('LMDB claims', async () => ({ claims: (await open()).claims, lifetimeMs: LIFETIME_MS }))

test('accepted claims outlive the process, pending and unknown ones do not', async () => {
  const directory = temporaryDirectory()
  const { claims } = await open({ directory })
  await settled(claims, ['a', 'accepted'], ['b', 'unknown'])
  await claims.claim([request({ claimKey: 'c' })], NOW)
  await claims.close()
  const again = await open({ directory })
  expect(await states(again.claims, 'a', 'b', 'c')).toEqual(['accepted', undefined, undefined])
  expect(again.warnings).toEqual([])
})

test('with too many pending claims further ones are unclaimed, until some are settled or expire', async () => {
  const { claims } = await open({ pendingMax: 2 })
  const next = (claimKey: string, nowMs = NOW) =>
    claims.claim([request({ claimKey, token: claimKey })], nowMs)
  expect([await next('a'), await next('b')].flat().map(({ verdict }) => verdict)).toEqual(['mine', 'mine'])
  expect(await next('c')).toEqual([{ verdict: 'unclaimed' }])
  expect(await next('a')).toEqual([{ verdict: 'mine', id: 'id-1' }])
  await claims.settle([{ claimKey: 'a', token: 'a', to: 'accepted' }], NOW)
  expect((await next('c'))[0]!.verdict).toBe('mine')
  expect(await next('d')).toEqual([{ verdict: 'unclaimed' }])
  expect((await next('d', NOW + LIFETIME_MS))[0]!.verdict).toBe('mine')
})

test('accepted claims beyond the bound are forgotten; a new generation has room again', async () => {
  const directory = temporaryDirectory()
  const { claims } = await open({ directory, acceptedMax: 2 })
  await settled(claims, ['a', 'accepted'], ['b', 'accepted'], ['c', 'accepted'])
  await claims.close()
  const again = (await open({ directory, acceptedMax: 2 })).claims
  expect(await states(again, 'a', 'b', 'c')).toEqual(['accepted', 'accepted', undefined])
  const later = NOW + LIFETIME_MS
  await again.claim([request({ claimKey: 'd' })], later)
  await again.settle([{ claimKey: 'd', token: 'token', to: 'accepted' }], later)
  await again.close()
  const third = (await open({ directory, acceptedMax: 2 })).claims
  expect((await third.lookup('d', later))?.state).toBe('accepted')
})

test('the file holds two lifetimes of claims, however long it runs', async () => {
  const directory = temporaryDirectory()
  const bytes: number[] = []
  for (let generation = 0; generation < 8; generation++) {
    const { claims } = await open({ directory })
    const nowMs = NOW + generation * LIFETIME_MS
    const requests = Array.from({ length: 2_000 }, (_, i) =>
      request({ claimKey: `${generation}-${i}-`.padEnd(40, 'x') }),
    )
    await claims.claim(requests, nowMs)
    await claims.settle(
      requests.map(({ claimKey, token }) => ({ claimKey, token, to: 'accepted' })),
      nowMs,
    )
    await claims.close()
    bytes.push(readFileSync(join(directory, 'data.mdb')).length)
  }
  expect(bytes.at(-1)).toBeLessThan(1.5 * bytes[2]!)
})

test.each(['garbage', 'a cut-off file', 'written before the machine was restarted'])(
  'a store that does not open (%s) starts empty, with a warning',
  async (damage) => {
    const directory = temporaryDirectory()
    const first = await open({ directory })
    await settled(first.claims, ['a', 'accepted'])
    await first.claims.close()
    const file = join(directory, 'data.mdb')
    if (damage === 'garbage') writeFileSync(file, 'x'.repeat(20_000))
    else if (damage === 'a cut-off file') truncateSync(file, readFileSync(file).length - 4_096)
    else forgetBoot(file)
    const { claims, warnings } = await open({ directory })
    expect(warnings).toEqual([expect.stringContaining(directory)])
    expect(await states(claims, 'a')).toEqual([undefined])
    await settled(claims, ['a', 'accepted'])
    expect(await states(claims, 'a')).toEqual(['accepted'])
  },
)

test('kill -9 leaves a store that opens, with what was accepted before', async () => {
  const directory = temporaryDirectory()
  const script = join(import.meta.dirname, 'accept-until-killed.ts')
  const child = spawn(process.execPath, [script, directory, `${NOW}`], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  let reported = ''
  for await (const chunk of child.stdout!.setEncoding('utf8')) {
    reported += chunk
    if (reported.split('\n').length > 200) break
  }
  child.kill('SIGKILL')
  await once(child, 'exit')
  const { claims, warnings } = await open({ directory })
  expect(warnings).toEqual([])
  expect(await states(claims, 'before')).toEqual(['accepted'])
})

/** Both meta pages name the boot in which they were written (`boot_id`, byte 160). */
function forgetBoot(file: string): void {
  const bytes = readFileSync(file)
  for (const meta of [0, bytes.readUInt32LE(48)]) bytes.writeBigUInt64LE(1n, meta + 160)
  writeFileSync(file, bytes)
}

async function open(options: Partial<Parameters<typeof openLmdbClaims>[0]> = {}) {
  const directory = options.directory ?? temporaryDirectory()
  const warnings: string[] = []
  const claims = await openLmdbClaims({
    lifetimeMs: LIFETIME_MS,
    ...options,
    directory,
    onWarning: (message) => warnings.push(message),
  })
  onTestFinished(() => claims.close())
  return { claims, warnings }
}

async function settled(
  claims: Claims,
  ...fates: [claimKey: string, to: 'accepted' | 'unknown'][]
): Promise<void> {
  await claims.claim(
    fates.map(([claimKey]) => request({ claimKey })),
    NOW,
  )
  await claims.settle(
    fates.map(([claimKey, to]) => ({ claimKey, token: 'token', to })),
    NOW,
  )
}

const states = (claims: Claims, ...claimKeys: string[]) =>
  Promise.all(claimKeys.map(async (claimKey) => (await claims.lookup(claimKey, NOW))?.state))

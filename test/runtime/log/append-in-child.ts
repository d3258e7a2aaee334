/**
 * Run as a process of its own by the tests: appends numbered records to `<directory>` without end and says on stdout
 * which are acknowledged. `until-killed` goes on until it is killed; `until-full` until an append fails, then it tries
 * once more, closes the log and exits.
 */
import { writeSync } from 'node:fs'
import { openLmdbLog } from '../../../runtime/log/lmdb-log.ts'
import type { AppendVerdict } from '../../../runtime/log/log.ts'

const [directory, mode] = process.argv.slice(2)
const IN_FLIGHT = 16

const log = await openLmdbLog({
  directory: directory!,
  partitions: new Map([['red', 3]]),
  retention: { ageMs: 60_000, bytesMax: 1024 ** 3 },
})
const firstOf = (await log.progress('readers', ['red'])).map(({ end }) => end)
let next = Math.max(...firstOf)
let failed = false

async function appendNext(): Promise<AppendVerdict[]> {
  const number = next++
  const value = new Uint8Array(mode === 'until-full' ? 4_000 : 100)
  new DataView(value.buffer).setUint32(0, number)
  const verdicts = await log.append(
    [0, 1, 2].map((partition) => ({ lane: 'red', partition, value, traceparent: '' })),
  )
  if (verdicts.every((verdict) => verdict === 'acked')) writeSync(1, `acked ${number}\n`)
  return verdicts
}

async function appendForEver(): Promise<void> {
  while (!failed) if ((await appendNext())[0] !== 'acked') failed = true
}

await Promise.all(Array.from({ length: IN_FLIGHT }, appendForEver))
writeSync(1, `full ${(await appendNext())[0]} trouble ${await log.trouble()}\n`)
await log.close()

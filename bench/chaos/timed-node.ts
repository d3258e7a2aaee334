import { appendFileSync } from 'node:fs'
import type { JobStore } from '../../runtime/store/job-store.ts'
import { start } from '../../supervisors/start.ts'
import { openStorage } from '../../supervisors/storage.ts'

/**
 * A node that writes down when each job was stored: beside its data directory, in a line `kind acceptedAtMs storedAfterMs`.
 * Run as `node bench/chaos/timed-node.ts start FLAGS`.
 */
const FLUSH_EVERY_MS = 250

const flags = process.argv.slice(3)
const file = storedFileOf(flags[flags.indexOf('--data-dir') + 1] ?? '')
let lines: string[] = []
setInterval(() => {
  if (lines.length > 0) appendFileSync(file, lines.join(''))
  lines = []
}, FLUSH_EVERY_MS)

function timed(store: JobStore): JobStore {
  const commit: JobStore['commit'] = async (outcomes) => {
    const verdicts = await store.commit(outcomes)
    const nowMs = Date.now()
    for (const [i, { envelope, state }] of outcomes.entries())
      if (state === 'done' && verdicts[i]?.verdict === 'applied')
        lines.push(`${envelope.kind} ${envelope.acceptedAtMs} ${nowMs - envelope.acceptedAtMs}\n`)
    return verdicts
  }
  return new Proxy(store, {
    get: (of, name) => {
      if (name === 'commit') return commit
      const member = Reflect.get(of, name)
      return typeof member === 'function' ? member.bind(of) : member
    },
  })
}

function storedFileOf(dataDir: string): string {
  return `${dataDir}.stored`
}

process.exit(await start(flags, { openStorage, aroundStore: timed }))

import type { Pool } from '../job/lane.ts'
import { integer, type Setting } from './setting.ts'

const MiB = 1024 ** 2

interface PoolDefaults {
  threads: number
  concurrency: number
  mailboxJobsMax: number
}

/** The settings of one pool: `pools.a.threads` and so on. */
export function poolSettings<const P extends Pool>(pool: P, defaults: PoolDefaults) {
  const settings = {
    threads: integer({
      default: defaults.threads,
      min: 1,
      max: 64,
      unit: 'threads',
      doc: `Threads of pool ${pool.toUpperCase()}.`,
    }),
    concurrency: integer({
      default: defaults.concurrency,
      min: 1,
      max: 1_024,
      unit: 'jobs',
      doc: `Jobs that one thread of pool ${pool.toUpperCase()} runs at once.`,
    }),
    mailboxJobsMax: integer({
      default: defaults.mailboxJobsMax,
      min: 1,
      max: 1_000_000,
      unit: 'jobs',
      doc: `Jobs that wait in memory for pool ${pool.toUpperCase()}; the others wait in the log.`,
    }),
    mailboxBytesMax: integer({
      default: 64 * MiB,
      min: MiB,
      max: 4_096 * MiB,
      unit: 'bytes',
      doc: `The same bound in bytes of their bodies.`,
    }),
  }
  const byPath = Object.entries(settings).map(([name, setting]) => [`pools.${pool}.${name}`, setting])
  return Object.fromEntries(byPath) as {
    [Name in keyof typeof settings as `pools.${P}.${Name}`]: Setting<number, number>
  }
}

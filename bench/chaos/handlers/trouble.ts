import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { setTimeout as wait } from 'node:timers/promises'
import { isMainThread } from 'node:worker_threads'
import { defineHandler, Type } from 'spillway'
import step from './step.ts'
import { fail } from './trouble/fail.ts'

/**
 * A handler of pool C that takes its thread down, in the way that its jobs say, until it is mended: until a file is there.
 * While the file that `CHAOS_BROKEN_FILE` names is there, threads that load it do not come up at all.
 */
const { CHAOS_BROKEN_FILE = '' } = process.env
if (!isMainThread && existsSync(CHAOS_BROKEN_FILE)) process.exit(1)

export default defineHandler({
  kind: 'chaos.trouble',
  pool: 'c',
  timeoutMs: 500,
  // As long as it is not mended, no job of it is given up.
  retry: { attemptsMax: 100, backoffMinMs: 10, backoffMaxMs: 100 },
  payload: Type.Object({ n: Type.Integer(), how: Type.String(), mended: Type.String() }),
  tables: step.tables,

  async handle({ payload }, ctx) {
    if (!existsSync(payload.mended)) {
      fail(payload.how)
      await wait(10_000)
    }
    return { writes: [{ table: 'chaos_effects', row: { effect: randomUUID(), attempt: ctx.attempt } }] }
  },
})

import { randomUUID } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { defineHandler, defineTable, Type } from 'spillway'

/**
 * Leaves a trace of every run whose effect is committed: its row has a key of its own, so a job with two effects has two
 * rows, where an upsert by the job would hide the second. Takes ordering keys, takes its time, and fails its first
 * attempts, as it is told: followers then have to wait, or to be parked.
 */
const effects = defineTable({
  name: 'chaos_effects',
  key: ['effect'],
  columns: { effect: 'text', attempt: 'integer' },
})

export default defineHandler({
  kind: 'chaos.step',
  pool: 'a',
  orderedTier: 'normal',
  timeoutMs: 5_000,
  retry: { attemptsMax: 4, backoffMinMs: 10, backoffMaxMs: 100 },
  payload: Type.Object({ n: Type.Integer(), ms: Type.Integer(), failures: Type.Integer() }),
  tables: [effects],

  async handle({ payload }, ctx) {
    if (payload.ms > 0) await wait(payload.ms)
    if (ctx.attempt <= payload.failures) throw new Error(`told to fail attempt ${ctx.attempt}`)
    return { writes: [{ table: effects.name, row: { effect: randomUUID(), attempt: ctx.attempt } }] }
  },
})

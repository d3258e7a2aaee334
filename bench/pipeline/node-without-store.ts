import type { JobStore } from '../../runtime/store/job-store.ts'
import { start } from '../../supervisors/start.ts'
import { openStorage } from '../../supervisors/storage.ts'

/**
 * A node whose job table takes everything and keeps nothing: what is left is the pipeline's own work. The database is
 * there, for the migrations, and idle. Run as `node bench/pipeline/node-without-store.ts FLAGS`.
 */
const withoutStore = (store: JobStore): JobStore => ({
  commit: async (outcomes) => outcomes.map(() => ({ verdict: 'applied' })),
  claimDue: (pool, nowMs, limit) => store.claimDue(pool, nowMs, limit),
  claimThin: (pool, nowMs, limit) => store.claimThin(pool, nowMs, limit),
  release: (claims) => store.release(claims),
  endLeases: (nowMs) => store.endLeases(nowMs),
  replay: (ids, nowMs) => store.replay(ids, nowMs),
  heldKeys: (pool) => store.heldKeys(pool),
  find: (id) => store.find(id),
  dropDaysBefore: (day) => store.dropDaysBefore(day),
  close: () => store.close(),
})

process.exit(await start(process.argv.slice(2), { openStorage, aroundStore: withoutStore }))

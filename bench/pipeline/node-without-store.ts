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
  claimSolo: (pool, nowMs) => store.claimSolo(pool, nowMs),
  claimThin: (pool, nowMs, limit) => store.claimThin(pool, nowMs, limit),
  release: (claims) => store.release(claims),
  endLostRuns: (nowMs, attemptsMax) => store.endLostRuns(nowMs, attemptsMax),
  noteAssignment: (group, partitions) => store.noteAssignment(group, partitions),
  forgetAssignments: (group) => store.forgetAssignments(group),
  replay: (ids, nowMs) => store.replay(ids, nowMs),
  heldKeys: (pool) => store.heldKeys(pool),
  find: (id) => store.find(id),
  dropDaysBefore: (day) => store.dropDaysBefore(day),
  close: () => store.close(),
})

process.exit(await start(process.argv.slice(2), { openStorage, aroundStore: withoutStore }))

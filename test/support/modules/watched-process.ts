import { pino } from 'pino'
import { ActorSystem } from '../../../runtime/actor/actor-system.ts'
import { describeExit } from '../../../runtime/actor/exit-reason.ts'
import { BOUNDS } from '../../../runtime/config/bounds.ts'
import { threadChild } from '../../../runtime/threads/thread-child.ts'
import { ThreadGroup } from '../../../runtime/threads/thread-group.ts'
import { ThreadWatch } from '../../../runtime/threads/thread-watch.ts'

/** A process of its own with one watched thread that computes for most of its limit; it says how that went. */
const log = pino({ level: 'silent' })
const system = new ActorSystem({ log, ...BOUNDS.kernel })
const group = new ThreadGroup({ name: 'watched', threadsMax: 1, heapMibMax: 256, log })
const watch = new ThreadWatch({
  limits: {
    graceMs: 200,
    idleLimitMs: 500,
    blockedFactor: 4,
    softHeapBytes: 128 * 1_048_576,
    unresponsiveMs: 500,
    jobsMax: 1_000,
    heapWindowMs: 30_000,
    heapGrowth: 1.5,
  },
  tickMs: 25,
  farTicks: 4,
  lastingMs: 10_000,
  onLasting: () => {},
})
const { ref, spec } = threadChild(system, {
  path: '/watched/thread-1',
  group,
  watch,
  module: new URL('./echo-thread.ts', import.meta.url).href,
  args: () => ({}),
  capacity: 10,
  shutdown: 1_000,
  startTimeoutMs: 10_000,
  onMessage: (message) => {
    process.send?.(message)
    if (message === 'computed') running.kill()
  },
})
const running = await spec.start()
ref.tell('compute once')
process.send?.(describeExit(await running.exited))
process.disconnect()

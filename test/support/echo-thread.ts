import { onTestFinished } from 'vitest'
import type { Signal } from '../../runtime/actor/actor.ts'
import { threadChild } from '../../runtime/threads/thread-child.ts'
import { ThreadGroup, type ThreadGroupOptions } from '../../runtime/threads/thread-group.ts'
import type { ThreadLimits } from '../../runtime/threads/thread-judgement.ts'
import { ThreadWatch } from '../../runtime/threads/thread-watch.ts'
import { silentLog, testSystem } from './test-system.ts'

const MODULE = new URL('./modules/echo-thread.ts', import.meta.url).href

const LIMITS: ThreadLimits = {
  graceMs: 500,
  idleLimitMs: 200,
  blockedFactor: 4,
  softHeapBytes: 64 * 1_048_576,
  unresponsiveMs: 500,
  jobsMax: 1_000_000,
  heapWindowMs: 30_000,
  heapGrowth: 1.5,
}

interface EchoOptions {
  args?: { failStart?: boolean; exitAtStart?: boolean }
  capacity?: number
  startTimeoutMs?: number
  group?: Partial<ThreadGroupOptions>
  /** The group of another one. */
  beside?: ThreadGroup
  /** Watched with these limits; not at all where they are left out. */
  limits?: Partial<ThreadLimits>
}

/** One echo thread, not started yet: what it posts and its DOWNs. */
export function echoThread({
  args = {},
  capacity = 1_000,
  startTimeoutMs = 10_000,
  group: groupOptions = {},
  beside,
  limits,
}: EchoOptions = {}) {
  const system = testSystem()
  const group =
    beside ??
    new ThreadGroup({ name: 'test', threadsMax: 2, heapMibMax: 512, log: silentLog, ...groupOptions })
  const messages: unknown[] = []
  const downs: Signal[] = []
  const lasting: number[] = []
  const watch =
    limits &&
    new ThreadWatch({
      limits: { ...LIMITS, ...limits },
      tickMs: 25,
      farTicks: 4,
      lastingMs: 1_000,
      onLasting: (_, forMs) => lasting.push(forMs),
    })
  const { ref, spec } = threadChild(system, {
    path: '/test/thread-1',
    group,
    ...(watch && { watch }),
    module: MODULE,
    args: () => args,
    capacity,
    shutdown: 2_000,
    startTimeoutMs,
    onMessage: (message) => messages.push(message),
    onUp: (thread) => void thread.watch((down) => downs.push(down)),
  })
  onTestFinished(() => group.close())
  return { system, group, watch, ref, spec, messages, downs, lasting }
}

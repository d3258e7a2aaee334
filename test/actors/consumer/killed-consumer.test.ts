import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Consumer, type ConsumerMessage, type ConsumerOptions } from '../../../actors/consumer/consumer.ts'
import { ActorCell } from '../../../runtime/actor/actor-cell.ts'
import type { ConsumeOptions, Log } from '../../../runtime/log/log.ts'
import { aJob } from '../../support/jobs.ts'
import { testSystem } from '../../support/test-system.ts'

/** A consumer wired as in a pool; its log is the test, and its start waits for `gate`. */
const LANE = 'pool-a.normal'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

async function kill({ whileStarting }: { whileStarting: boolean }) {
  const system = testSystem()
  const gate = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  const delivered: unknown[] = []
  let stops = 0
  let onBatch: ConsumeOptions['onBatch'] = () => {}
  const log: Pick<Log, 'progress' | 'consume'> = {
    progress: async () => [{ lane: LANE, partition: 0, begin: 0, end: 0, committed: 0 }],
    consume: async (options) => {
      onBatch = options.onBatch
      asked.resolve()
      await gate.promise
      return { pause: () => {}, resume: () => {}, commit: async () => {}, stop: async () => void stops++ }
    },
  }
  const pool = new ActorCell<unknown>(system, '/test/pool', 10, () => ({
    receive: (message) => void delivered.push(message),
  }))
  await pool.start()
  const consumer = new ActorCell<ConsumerMessage>(system, '/test/consumer', 10, (self) => {
    const options: Partial<ConsumerOptions> = {
      log: log as Log,
      store: { noteAssignment: async () => [], forgetAssignments: async () => {} },
      soloTurn: { hold: () => {}, free: () => {} },
      patience: { everyMs: 1, timeoutMs: 1, now: Date.now, isStopping: () => false },
      share: { jobsMax: 100, bytesMax: 1_000_000, windowJobsMax: 1_000 },
      now: Date.now,
      commitEveryMs: 5,
      deliver: (jobs) => self.to(pool).tell(jobs) === 'accepted',
    }
    return new Consumer({ ...options, lanes: [LANE] } as ConsumerOptions)
  })
  const started = consumer.start().catch((error) => error)
  await asked.promise
  if (!whileStarting) {
    gate.resolve()
    await started
  }
  consumer.kill()
  gate.resolve()
  await started
  await vi.runAllTicks()
  return {
    system,
    delivered,
    stops: () => stops,
    bring: (batch: Parameters<typeof onBatch>[0]) => onBatch(batch),
  }
}

const A_RECORD = {
  lane: LANE,
  partition: 0,
  records: [{ offset: 0, appendedAtMs: 1, value: aJob().encoded }],
}

test.each([false, true])(
  'a killed consumer leaves neither timer nor subscription behind (killed while it starts: %s)',
  async (whileStarting) => {
    const { stops } = await kill({ whileStarting })
    await vi.waitFor(() => expect(stops()).toBeGreaterThan(0))
    expect(vi.getTimerCount()).toBe(0)
  },
)

test('what the log still brings to a killed consumer reaches nobody, and is counted', async () => {
  const { system, delivered, bring } = await kill({ whileStarting: false })
  expect(() => bring(A_RECORD)).toThrow('takes no more jobs')
  await vi.runAllTicks()
  expect(delivered).toEqual([])
  expect(system.deadLetters.inspect().fenced).toBe(1)
})

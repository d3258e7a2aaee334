import { expect, onTestFinished, test } from 'vitest'
import { Consumer, type ConsumerMessage } from '../../../actors/consumer/consumer.ts'
import { ActorCell } from '../../../runtime/actor/actor-cell.ts'
import type { Job } from '../../../runtime/job/job.ts'
import type { Outcome } from '../../../runtime/job/outcome.ts'
import type { ConsumeOptions, Log, PartitionProgress, Position } from '../../../runtime/log/log.ts'
import type { AssignedPartition } from '../../../runtime/store/job-store.ts'
import { SqlError } from '../../../runtime/store/sql.ts'
import { aJob } from '../../support/jobs.ts'
import { testSystem } from '../../support/test-system.ts'
import { until } from '../../support/until.ts'

const LANE = 'pool-a.normal'

/** A consumer of two partitions whose log and job table are the test. */
async function start({
  ends = [3, 0] as readonly [number, number],
  assigned = [1],
  failures = 0,
  isStopping = (): boolean => false,
} = {}) {
  let left = failures
  const steps: string[] = []
  const holders = new Set<string>()
  const soloTurn = {
    hold: (group: string) => holders.add(group),
    free: (group: string) => holders.delete(group),
  }
  const [delivered, suspects]: [Job[], Job[]] = [[], []]
  const buried: Outcome[] = []
  const noted: AssignedPartition[][] = []
  const committed: Position[] = []
  let batches: ConsumeOptions['onBatch'] = () => {}
  const progress = ends.map((end, partition): PartitionProgress => {
    return { lane: LANE, partition, begin: 0, end, committed: 0 }
  })
  const log: Pick<Log, 'progress' | 'consume'> = {
    progress: async () => progress,
    consume: async ({ onBatch }) => {
      steps.push('consume')
      batches = onBatch
      return {
        pause: () => {},
        resume: () => {},
        stop: async () => {},
        commit: async (positions) => {
          committed.push(...positions)
        },
      }
    },
  }
  const into = (list: Job[]) => (jobs: readonly Job[]) => list.push(...jobs) > 0
  const cell = new ActorCell<ConsumerMessage>(testSystem(), '/test/consumer', 100, () => {
    return new Consumer({
      log: log as Log,
      group: 'spillway.pool-a',
      lanes: [LANE],
      store: {
        noteAssignment: async (_group, partitions) => {
          if (left-- > 0) throw new SqlError('the database thread is not running', '08001')
          steps.push('note')
          noted.push([...partitions])
          return [...assigned]
        },
        forgetAssignments: async (group) => {
          steps.push(`forget ${group}`)
        },
      },
      patience: { everyMs: 5, timeoutMs: 5_000, now: Date.now, isStopping },
      assignedMax: 3,
      soloTurn,
      share: { jobsMax: 100, bytesMax: 1_000_000, windowJobsMax: 1_000 },
      now: Date.now,
      commitEveryMs: 5,
      deliver: into(delivered),
      quarantine: into(suspects),
      bury: (outcomes) => buried.push(...outcomes) > 0,
      reportHeadAge: () => {},
    })
  })
  onTestFinished(() => cell.stop())
  await cell.start()
  const bring = (partition: number, ...offsets: number[]) =>
    batches({
      lane: LANE,
      partition,
      records: offsets.map((offset) => ({ offset, appendedAtMs: 1, value: aJob().encoded })),
    })
  return { cell, steps, delivered, suspects, buried, noted, committed, bring, holders }
}

const offsetsOf = (jobs: readonly Job[]): number[] =>
  jobs.map(({ origin }) => (origin.from === 'log' ? origin.offset : -1))

test('an assignment is noted before the first job of it comes, and only where there are jobs', async () => {
  const { steps, noted } = await start({ failures: 2 })
  expect(steps).toEqual(['note', 'consume'])
  expect(noted).toMatchObject([[{ lane: LANE, partition: 0, committed: 0 }]])
})

test('a partition that was assigned three times without progress starts in quarantine, up to what was in it by then', async () => {
  const { delivered, suspects, committed, cell, bring } = await start({ assigned: [3] })
  bring(0, 0, 1)
  bring(0, 2, 3)
  bring(1, 0)
  expect([offsetsOf(suspects), offsetsOf(delivered)]).toEqual([
    [0, 1, 2],
    [3, 0],
  ])
  cell.tell({ type: 'finished', origins: suspects.map(({ origin }) => origin) })
  await until(() => committed.length > 0, 'its offset moves when they are in the job table')
  expect(committed).toEqual([{ lane: LANE, partition: 0, offset: 3 }])
})

test.each([1, 2])('assigned %i times it does not', async (times) => {
  const { delivered, suspects, bring } = await start({ assigned: [times] })
  bring(0, 0, 1, 2)
  expect([offsetsOf(suspects), offsetsOf(delivered)]).toEqual([[], [0, 1, 2]])
})

test.each([
  [true, ['note', 'consume', 'forget spillway.pool-a']],
  [false, ['note', 'consume']],
])(
  'its end counts as progress when the node stops (%s), not when its pool restarts',
  async (stops, expected) => {
    let isStopping = false
    const { cell, steps } = await start({ isStopping: () => isStopping })
    isStopping = stops
    cell.stop()
    await cell.exited
    expect(steps).toEqual(expected)
  },
)

test('the turn of jobs in quarantine is held until all is finished that an earlier process may have begun', async () => {
  const { cell, delivered, bring, holders } = await start()
  const finish = (...jobs: Job[]) =>
    cell.tell({ type: 'finished', origins: jobs.map(({ origin }) => origin) })
  bring(0, 0, 1, 2, 3)
  const [first, second, third, later] = delivered as [Job, Job, Job, Job]
  finish(second, third, later)
  await cell.ask<void>((reply) => ({ type: 'quiesce', reply }), 5_000)
  expect(holders.size).toBe(1)
  finish(first)
  await until(() => holders.size === 0, 'the turn is free')
})

test('it is free at once where the log is empty, and with the end of the consumer', async () => {
  expect((await start({ ends: [0, 0], assigned: [] })).holders.size).toBe(0)
  const { cell, holders } = await start()
  expect(holders.size).toBe(1)
  cell.kill()
  await cell.exited
  expect(holders.size).toBe(0)
})

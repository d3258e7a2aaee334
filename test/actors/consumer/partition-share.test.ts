import { expect, test } from 'vitest'
import { PartitionShare } from '../../../actors/consumer/partition-share.ts'

const BOUNDS = { jobsMax: 4, bytesMax: 1_000, windowJobsMax: 8 }
const record = (offset: number, bytes = 10) => ({
  offset,
  appendedAtMs: 1_000 + offset,
  value: new Uint8Array(bytes),
})

test('is full at its jobs, and has room again at half of them', () => {
  const share = new PartitionShare('pool-a.normal', 0, 0, BOUNDS)
  for (const offset of [0, 1, 2, 3]) share.deliver(record(offset))
  expect(share.isFull).toBe(true)
  share.finish(0)
  expect([share.isFull, share.hasRoom]).toEqual([false, false])
  share.finish(3)
  expect(share.hasRoom).toBe(true)
})

test('is full at its bytes', () => {
  const share = new PartitionShare('pool-a.normal', 0, 0, BOUNDS)
  share.deliver(record(0, 1_000))
  expect(share.isFull).toBe(true)
})

test('is full when one stuck job has too much piled up behind it', () => {
  const share = new PartitionShare('pool-a.normal', 0, 0, BOUNDS)
  for (let offset = 0; offset < 8; offset++) {
    share.deliver(record(offset))
    if (offset > 0) share.finish(offset)
  }
  expect([share.outstandingJobs, share.isFull]).toEqual([1, true])
  share.finish(0)
  expect(share.hasRoom).toBe(true)
})

test('gives an offset to commit once, and knows the age of its oldest unfinished record', () => {
  const share = new PartitionShare('pool-a.normal', 0, 5, BOUNDS)
  expect([share.takeCommit(), share.headAppendedAtMs]).toEqual([undefined, undefined])
  share.deliver(record(5))
  share.deliver(record(6))
  share.finish(6)
  expect([share.takeCommit(), share.headAppendedAtMs]).toEqual([undefined, 1_005])
  share.finish(5)
  expect([share.takeCommit(), share.takeCommit(), share.headAppendedAtMs]).toEqual([7, undefined, undefined])
})

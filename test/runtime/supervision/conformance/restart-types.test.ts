import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type ExitReason, KILLED, NORMAL, SHUTDOWN } from '../../../../runtime/actor/exit-reason.ts'
import { DELAY_MS, ERROR, FakeChild, pass } from '../fake-child.ts'
import { supervise } from '../fake-supervisors.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const OOM: ExitReason = { kind: 'thread', cause: 'oom', error: new Error('heap exhausted') }
const ORDERLY = [NORMAL, SHUTDOWN]
const ABNORMAL = [KILLED, ERROR, OOM]

const startsAfter = async (restart: 'permanent' | 'transient' | 'temporary', reason: ExitReason) => {
  const child = new FakeChild('x', [], { restart })
  const { supervisor } = supervise([child])
  await supervisor.start()
  child.die(reason)
  await pass(DELAY_MS)
  return { starts: child.starts, closes: child.closes, kept: supervisor.countChildren().specs }
}

test.each([...ORDERLY, ...ABNORMAL])(
  'a permanent child process is always restarted: $kind',
  async (reason) => {
    expect(await startsAfter('permanent', reason)).toEqual({ starts: 2, closes: 0, kept: 1 })
  },
)

test.each(ABNORMAL)(
  'a transient child process is restarted if it terminates abnormally: $kind',
  async (reason) => {
    expect(await startsAfter('transient', reason)).toEqual({ starts: 2, closes: 0, kept: 1 })
  },
)

test.each(ORDERLY)(
  'a transient child process is not restarted after $kind, and its specification is kept',
  async (reason) => {
    expect(await startsAfter('transient', reason)).toEqual({ starts: 1, closes: 1, kept: 1 })
  },
)

test.each([...ORDERLY, ...ABNORMAL])(
  'a temporary child process is never restarted, and its specification is deleted: $kind',
  async (reason) => {
    expect(await startsAfter('temporary', reason)).toEqual({ starts: 1, closes: 1, kept: 0 })
  },
)

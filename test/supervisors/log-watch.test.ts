import { expect, test, vi } from 'vitest'
import type { Logger } from '../../runtime/observe/logger.ts'
import { LogWatch } from '../../supervisors/log-watch.ts'

test('says once that the log refuses jobs, again after a minute, and when it takes them again', async () => {
  let trouble: string | undefined
  const lines: string[] = []
  const log = {
    error: vi.fn((fields: { trouble: string }) => lines.push(`refuses: ${fields.trouble}`)),
    warn: vi.fn((line: string) => lines.push(line)),
  } as unknown as Logger
  const watch = new LogWatch(async () => trouble, log)
  await watch.look(0)
  expect(watch.trouble).toBeUndefined()
  trouble = 'full'
  for (const nowMs of [1_000, 2_000, 60_000, 61_000, 62_000]) await watch.look(nowMs)
  expect(watch.trouble).toBe('full')
  trouble = undefined
  await watch.look(63_000)
  await watch.look(64_000)
  expect(watch.trouble).toBeUndefined()
  expect(lines).toEqual(['refuses: full', 'refuses: full', 'the log takes jobs again'])
})

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { RETRY_AFTER_MAX_MS, retryAfterMs } from '../../../runtime/handler/retry-after.ts'

const NOW_MS = Date.parse('2030-01-01T00:00:00Z')

it('seconds and HTTP dates are both understood', () => {
  expect(retryAfterMs('7', NOW_MS)).toBe(7_000)
  expect(retryAfterMs(' 0 ', NOW_MS)).toBe(0)
  expect(retryAfterMs('Tue, 01 Jan 2030 00:00:30 GMT', NOW_MS)).toBe(30_000)
})

it('a date that is over means now', () => {
  expect(retryAfterMs('Mon, 31 Dec 2029 23:59:59 GMT', NOW_MS)).toBe(0)
})

it('what says nothing is ignored', () => {
  for (const header of [null, '', 'soon', '-3', '1.5', '1e3', 'NaN', '2030-01-01'])
    expect(retryAfterMs(header, NOW_MS), String(header)).toBeUndefined()
})

it('no header makes a job wait longer than the maximum', () => {
  expect(retryAfterMs('9999999999', NOW_MS)).toBe(RETRY_AFTER_MAX_MS)
  expect(retryAfterMs('Fri, 31 Dec 9999 23:59:59 GMT', NOW_MS)).toBe(RETRY_AFTER_MAX_MS)
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.integer().map(String)), (header) => {
      const ms = retryAfterMs(header, NOW_MS)
      return ms === undefined || (ms >= 0 && ms <= RETRY_AFTER_MAX_MS)
    }),
  )
})

import { expect, test } from 'vitest'
import { BOUNDS } from '../../runtime/config/bounds.ts'
import { defineHandler, Type } from '../../runtime/handler/index.ts'
import { checkLease } from '../../supervisors/check-lease.ts'
import { load } from '../runtime/config/loading.ts'

const { config } = load({ argv: ['--store-lease-ms', '60000'] })
const COMMIT_MS = BOUNDS.writer.batchAgeMaxMs + BOUNDS.writer.transientRetryMaxMs
const handler = (timeoutMs: number) =>
  defineHandler({ kind: 'test.slow', pool: 'a', timeoutMs, payload: Type.Object({}), handle: () => ({}) })

test('a lease holds the longest run and the wait for its commit', () => {
  checkLease([handler(1_000), handler(60_000 - COMMIT_MS)], config)
})

test('a handler that could outlive its lease is refused, with both named and what would do', () => {
  expect(() => checkLease([handler(1_000), handler(60_001 - COMMIT_MS)], config)).toThrow(
    `handler test.slow: its timeoutMs ${60_001 - COMMIT_MS}, and ${COMMIT_MS} ms for its commit, must be within store.leaseMs 60000; raise store.leaseMs to 60001 or more`,
  )
})

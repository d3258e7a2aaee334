import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TenantQueues } from '../../../actors/pool/tenant-queues.ts'

interface Item {
  tenant: string
  n: number
  costMs: number
}

const queuesOf = (quantumMs: number) =>
  new TenantQueues<Item>({ costMs: ({ costMs }) => costMs, quantumMs: () => quantumMs })

function take(queues: TenantQueues<Item>, count: number): Item[] {
  return Array.from({ length: count }, () => queues.shift()).filter((item) => item !== undefined)
}

test('a quiet tenant does not wait behind the backlog of a noisy one', () => {
  const queues = queuesOf(1)
  for (let n = 0; n < 10_000; n++) queues.push({ tenant: 'noisy', n, costMs: 1 })
  take(queues, 100)
  queues.push({ tenant: 'quiet', n: 0, costMs: 1 })
  expect(take(queues, 3).map(({ tenant }) => tenant)).toContain('quiet')
})

test('tenants share handler time, not jobs', () => {
  const queues = queuesOf(10)
  for (let n = 0; n < 1_000; n++) {
    queues.push({ tenant: 'dear', n, costMs: 10 })
    queues.push({ tenant: 'cheap', n, costMs: 1 })
  }
  const started = take(queues, 550)
  const timeOf = (tenant: string) =>
    started.filter((item) => item.tenant === tenant).reduce((sum, { costMs }) => sum + costMs, 0)
  expect(timeOf('dear') / timeOf('cheap')).toBeCloseTo(1, 1)
})

test('a job that took longer than it was charged costs its tenant the difference', () => {
  const queues = queuesOf(1)
  for (let n = 0; n < 20; n++) for (const tenant of ['over', 'fair']) queues.push({ tenant, n, costMs: 1 })
  take(queues, 2)
  queues.settle('over', 5)
  const next = take(queues, 5).map(({ tenant }) => tenant)
  expect(next.filter((tenant) => tenant === 'over')).toHaveLength(0)
})

test('everything comes out once, each tenant in its own order', () => {
  const items = fc.array(
    fc.record({
      tenant: fc.constantFrom('a', 'b', 'c'),
      costMs: fc.double({ min: 0.01, max: 1, noNaN: true }),
    }),
  )
  fc.assert(
    fc.property(items, (given) => {
      const queues = queuesOf(1)
      given.forEach((item, n) => {
        queues.push({ ...item, n })
      })
      const out = take(queues, given.length + 1)
      expect(out).toHaveLength(given.length)
      expect(queues.length).toBe(0)
      for (const tenant of ['a', 'b', 'c']) {
        const order = out.filter((item) => item.tenant === tenant).map(({ n }) => n)
        expect(order).toEqual(order.toSorted((x, y) => x - y))
      }
    }),
  )
})

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Partitioner, rendezvous } from '../../../actors/accept/partitioner.ts'

test('a key always goes to the same partition of its tenant, on every node', () => {
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.integer({ min: 1, max: 64 }), (tenant, key, partitions) => {
      const [one, other] = [new Partitioner(2), new Partitioner(2)]
      one.choose('somebody else', undefined, partitions)
      expect(one.choose(tenant, key, partitions)).toBe(other.choose(tenant, key, partitions))
    }),
  )
})

test('a tenant stays within its shard, and uses all of it', () => {
  const partitioner = new Partitioner(2)
  const used = new Set(Array.from({ length: 100 }, () => partitioner.choose('acme', undefined, 16)))
  expect([...used].sort((a, b) => a - b)).toEqual(rendezvous('acme', 16, 2))
})

test('a partition more moves only the tenants that it wins', () => {
  const tenants = Array.from({ length: 1_000 }, (_, i) => `tenant-${i}`)
  const moved = tenants.filter((tenant) => rendezvous(tenant, 9, 1)[0] !== rendezvous(tenant, 8, 1)[0])
  expect(moved.every((tenant) => rendezvous(tenant, 9, 1)[0] === 8)).toBe(true)
  expect(moved.length).toBeGreaterThan(70)
  expect(moved.length).toBeLessThan(160)
})

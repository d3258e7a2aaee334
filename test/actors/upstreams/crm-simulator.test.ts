import { expect, it, onTestFinished } from 'vitest'
import { type CrmBehaviour, startCrmSimulator } from '../../../actors/upstreams/crm-simulator.ts'

const calm = { latencyMedianMs: 0, failureRate: 0 }

async function crmOf(options: Partial<CrmBehaviour> & { seed?: number; now?: () => number } = {}) {
  const simulator = await startCrmSimulator({ ...calm, ...options })
  onTestFinished(() => simulator.close())
  const call = async (method: string, id: string, body?: unknown, headers: Record<string, string> = {}) => {
    const response = await fetch(`${simulator.url}/v1/contacts/${id}`, {
      method,
      headers: { 'x-tenant-id': 'acme', ...headers },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })
    const answer = (await response.json()) as Record<string, unknown>
    return { status: response.status, headers: response.headers, answer }
  }
  return { ...simulator, call }
}

const jane = { email: 'jane@acme.com', name: 'Jane' }

it('an upsert creates, then changes and counts revisions; contacts of tenants are apart', async () => {
  const { call } = await crmOf()
  const created = await call('PUT', 'c-1', jane)
  expect(created).toMatchObject({ status: 201, answer: { externalId: 'c-1', revision: 1 } })
  const changed = await call('PUT', 'c-1', { ...jane, name: 'Jane Doe' })
  expect(changed).toMatchObject({ status: 200, answer: { id: created.answer.id, revision: 2 } })
  expect(await call('GET', 'c-1')).toMatchObject({ status: 200, answer: { name: 'Jane Doe', revision: 2 } })
  expect(await call('GET', 'c-1', undefined, { 'x-tenant-id': 'other' })).toMatchObject({ status: 404 })
})

it('an Idempotency-Key seen before answers as it did then and stores nothing; with another body it is a 422', async () => {
  const { call } = await crmOf()
  const key = { 'idempotency-key': 'job-1/upsert' }
  const first = await call('PUT', 'c-1', jane, key)
  await call('PUT', 'c-1', { ...jane, name: 'changed since' })
  const again = await call('PUT', 'c-1', jane, key)
  expect(again).toMatchObject({ status: 201, answer: first.answer })
  expect(again.headers.get('idempotency-replayed')).toBe('true')
  expect(await call('GET', 'c-1')).toMatchObject({ answer: { name: 'changed since', revision: 2 } })
  expect(await call('PUT', 'c-1', { ...jane, name: 'x' }, key)).toMatchObject({ status: 422 })
})

it('a failed call may have stored its contact: sent again under its key it is stored once', async () => {
  const { call, adjust } = await crmOf({ failureRate: 1 })
  for (let i = 0; i < 20; i++)
    expect(await call('PUT', `c-${i}`, jane, { 'idempotency-key': `k-${i}` })).toMatchObject({ status: 503 })
  adjust({ failureRate: 0 })
  let replayed = 0
  for (let i = 0; i < 20; i++) {
    const { status, headers, answer } = await call('PUT', `c-${i}`, jane, { 'idempotency-key': `k-${i}` })
    expect([status, answer.revision]).toEqual([201, 1])
    if (headers.has('idempotency-replayed')) replayed++
  }
  expect(replayed).toBeGreaterThan(0)
  expect(replayed).toBeLessThan(20)
})

it('a tenant over its rate gets a 429 that says when there is room again; others are served', async () => {
  let nowMs = 0
  const { call } = await crmOf({ ratePerS: 0.5, burst: 2, now: () => nowMs })
  const status = async (tenant: string) => (await call('PUT', 'c', jane, { 'x-tenant-id': tenant })).status
  expect([await status('noisy'), await status('noisy')]).toEqual([201, 200])
  const refused = await call('PUT', 'c', jane, { 'x-tenant-id': 'noisy' })
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '2'])
  expect(await status('quiet')).toBe(201)
  nowMs += 2_000
  expect(await status('noisy')).toBe(200)
  expect(await status('noisy')).toBe(429)
})

it.each([
  [{}, 'email must be a mail address'],
  [{ email: 'x' }, 'email must be a mail address'],
  [[], 'the body must be a JSON object'],
  [{ ...jane, admin: true }, 'admin is no field of a contact'],
])('a body that is no contact is a 400 that says why: %j', async (body, message) => {
  const { call } = await crmOf()
  const { status, answer } = await call('PUT', 'c-1', body)
  expect(status).toBe(400)
  expect(answer.error).toContain(message)
})

it('a request without tenant, with a broken address, an unknown method or a large body is refused', async () => {
  const { call, url } = await crmOf()
  expect(await call('PUT', 'c-1', jane, { 'x-tenant-id': '' })).toMatchObject({ status: 400 })
  expect(await call('PUT', '%ff', jane)).toMatchObject({ status: 404 })
  expect(await call('PUT', 'a/b', jane)).toMatchObject({ status: 404 })
  expect(await call('DELETE', 'c-1')).toMatchObject({ status: 405 })
  const large = await fetch(`${url}/v1/contacts/c`, { method: 'PUT', body: 'x'.repeat(1_048_577) })
  expect(large.status).toBe(413)
})

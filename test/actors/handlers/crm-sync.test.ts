import { Value } from 'typebox/value'
import { expect, it, onTestFinished } from 'vitest'
import crmSync from '../../../actors/handlers/crm-sync.ts'
import { type CrmBehaviour, startCrmSimulator } from '../../../actors/upstreams/crm-simulator.ts'
import type { Envelope } from '../../../runtime/job/envelope.ts'
import { httpServer } from '../../runtime/handler/http-server.ts'
import { runReadably as runJob } from '../../support/readable-report.ts'
import { envelopeOf, NOW_MS, optionsOf, upstreamOf } from '../pool/run-fixtures.ts'

const contact = { externalId: 'crm:7', email: 'jane@acme.com', name: 'Jane', fields: { plan: 'gold' } }

const syncVia = (baseUrl: string, payload: object = contact, change: Partial<Envelope> = {}) =>
  runJob(envelopeOf(payload, change), crmSync, optionsOf({ upstreams: { crm: upstreamOf(baseUrl) } }))

async function crmOf(behaviour: Partial<CrmBehaviour> = {}) {
  const crm = await startCrmSimulator({ latencyMedianMs: 0, failureRate: 0, ...behaviour })
  onTestFinished(() => crm.close())
  return crm
}

it('a contact is stored in the CRM, and what it answered is written as one row', async () => {
  const { url } = await crmOf()
  expect(await syncVia(url)).toMatchObject({
    state: 'done',
    result: { id: 'crm-1', revision: 1 },
    writes: [
      {
        table: 'contacts',
        row: {
          external_id: 'crm:7',
          crm_id: 'crm-1',
          revision: 1,
          email: 'jane@acme.com',
          name: 'Jane',
          fields: { plan: 'gold' },
        },
      },
    ],
  })
})

it('a job that runs twice changes the CRM once, a second job changes it again', async () => {
  const { url } = await crmOf()
  await syncVia(url)
  expect((await syncVia(url, contact, { attempt: 2 })).result).toEqual({ id: 'crm-1', revision: 1 })
  const second = envelopeOf(0).id.replace('x', 'y')
  expect((await syncVia(url, { ...contact, name: 'J.' }, { id: second })).result).toEqual({
    id: 'crm-1',
    revision: 2,
  })
})

it('over its rate a tenant waits as long as the CRM says; another is served', async () => {
  const { url } = await crmOf({ ratePerS: 0.1, burst: 1 })
  expect((await syncVia(url)).state).toBe('done')
  const limited = await syncVia(url, contact, { id: envelopeOf(0).id.replace('x', 'z') })
  expect(limited).toMatchObject({
    state: 'retry',
    dueAtMs: NOW_MS + 10_000,
    error: { code: 'upstream-error' },
  })
  expect((await syncVia(url, contact, { tenant: 'quiet' })).state).toBe('done')
})

it('while the CRM fails a job is retried, and once it heals the contact is stored once', async () => {
  const crm = await crmOf({ failureRate: 1 })
  for (let attempt = 1; attempt <= 4; attempt++)
    expect((await syncVia(crm.url, contact, { attempt })).state).toBe('retry')
  crm.adjust({ failureRate: 0 })
  expect(await syncVia(crm.url, contact, { attempt: 5 })).toMatchObject({
    state: 'done',
    result: { revision: 1 },
  })
})

it('what the CRM refuses for good is dead at once, with its words', async () => {
  const url = await httpServer((_, response) => response.writeHead(422).end('{"error":"email is blocked"}'))
  const { state, error } = await syncVia(url)
  expect(state).toBe('dead')
  expect(error?.message).toBe('crm: answered 422: {"error":"email is blocked"}')
})

it.each(['null', '[]', '{"id":7,"revision":1}', '{"id":"a"}', '<html>'])(
  'an answer that is no stored contact is retried: %s',
  async (body) => {
    const url = await httpServer((_, response) => response.end(body))
    expect(await syncVia(url)).toMatchObject({
      state: 'retry',
      writes: [],
      error: { code: 'upstream-error' },
    })
  },
)

it('no external id can reach another address of the CRM', () => {
  const check = (externalId: string) => Value.Check(crmSync.payload, { ...contact, externalId })
  expect(check('a.b:c-d_1')).toBe(true)
  for (const externalId of ['', '..', '../x', 'a/b', 'a?b', 'a#b', 'a b', 'x'.repeat(129)])
    expect(check(externalId), externalId).toBe(false)
})

it('its kind takes ordering keys, in one tier', () => {
  expect(crmSync.orderedTier).toBe('normal')
  expect(Value.Check(crmSync.payload, { ...contact, fields: { 'not a field': 'x' } })).toBe(false)
})

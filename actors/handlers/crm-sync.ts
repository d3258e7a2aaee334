import { defineHandler, defineTable, readJson, Type, UpstreamError } from 'spillway'

/**
 * Pool C: writes one contact to the CRM and keeps a copy of what it answered. The CRM limits the rate per tenant; its 429
 * says when to come back, and the job waits that long. Ordering key: the contact's external id, so that two changes of
 * one contact reach the CRM in their order.
 */
const contacts = defineTable({
  name: 'contacts',
  key: ['external_id'],
  columns: {
    external_id: 'text',
    crm_id: 'text',
    revision: 'bigint',
    email: 'text',
    name: 'text',
    company: 'text',
    phone: 'text',
    fields: 'jsonb',
  },
})

const text = (maxLength: number) => Type.Optional(Type.String({ maxLength }))

export default defineHandler({
  kind: 'crm.sync',
  pool: 'c',
  timeoutMs: 10_000,
  retry: { attemptsMax: 8, backoffMinMs: 500, backoffMaxMs: 60_000 },
  orderedTier: 'normal',
  payload: Type.Object(
    {
      externalId: Type.String({ pattern: '^[A-Za-z0-9][A-Za-z0-9._:-]*$', maxLength: 128 }),
      email: Type.String({ pattern: '^[^\\s@]+@[^\\s@.]+(\\.[^\\s@.]+)+$', maxLength: 254 }),
      name: text(200),
      company: text(200),
      phone: text(40),
      /** Fields of the tenant's own. */
      fields: Type.Optional(
        Type.Record(Type.String({ pattern: '^[a-z][a-z0-9_]{0,47}$' }), Type.String({ maxLength: 1_000 }), {
          maxProperties: 50,
          additionalProperties: false,
        }),
      ),
    },
    { additionalProperties: false },
  ),
  tables: [contacts],

  async handle({ payload }, ctx) {
    const { externalId, ...contact } = payload
    const stored = await ctx.call('crm', 'upsert', async (crm) => {
      const response = await fetch(`${crm.baseUrl}/v1/contacts/${encodeURIComponent(externalId)}`, {
        method: 'PUT',
        headers: { ...crm.headers, 'content-type': 'application/json', 'x-tenant-id': ctx.tenant },
        body: JSON.stringify(contact),
        signal: crm.signal,
      })
      return storedContact(crm.name, await readJson(crm, response, { bytesMax: 65_536 }))
    })
    const row = { external_id: externalId, crm_id: stored.id, revision: stored.revision, ...contact }
    return { result: stored, writes: [{ table: contacts.name, row }] }
  },
})

interface StoredContact {
  id: string
  revision: number
}

function storedContact(upstream: string, answer: unknown): StoredContact {
  const { id, revision } = (answer ?? {}) as Partial<StoredContact>
  if (typeof id !== 'string' || id.length > 128 || !Number.isSafeInteger(revision))
    throw new UpstreamError(upstream, 'answered with something that is no stored contact')
  return { id, revision: revision as number }
}

import { BOUNDS } from '../../runtime/config/bounds.ts'
import { BoundedMap } from './bounded-map.ts'

/** The CRM's memory: contacts per tenant and the answers given under an Idempotency-Key, the oldest forgotten first. */
export interface CrmAnswer {
  status: number
  body: object
  headers?: Record<string, string>
}

export type Contact = Readonly<Record<string, unknown>>

const { contactsMax, answersKeptMax } = BOUNDS.simulator
const FIELDS = ['email', 'name', 'company', 'phone', 'fields']

/** What is wrong with it, when it is no contact. */
export function parseContact(body: Contact | undefined): Contact | string {
  if (body === undefined) return 'the body must be a JSON object'
  const unknown = Object.keys(body).find((field) => !FIELDS.includes(field))
  if (unknown !== undefined) return `${unknown} is no field of a contact; there are ${FIELDS.join(', ')}`
  return typeof body.email === 'string' && body.email.includes('@') ? body : 'email must be a mail address'
}

export class ContactStore {
  readonly #contacts = new BoundedMap<{ id: string; revision: number; contact: Contact }>(contactsMax)
  readonly #remembered = new BoundedMap<{ sent: string; answer: CrmAnswer }>(answersKeptMax)
  #created = 0

  find(tenant: string, externalId: string): CrmAnswer {
    const stored = this.#contacts.get(JSON.stringify([tenant, externalId]))
    if (stored === undefined) return { status: 404, body: { error: `there is no contact ${externalId}` } }
    const { id, revision, contact } = stored
    return { status: 200, body: { id, externalId, revision, ...contact } }
  }

  /** 201 for a new contact, 200 for a changed one; `revision` counts from 1. */
  upsert(
    tenant: string,
    externalId: string,
    contact: Contact,
    idempotencyKey: string | undefined,
  ): CrmAnswer {
    const sent = JSON.stringify([externalId, contact])
    const remembered = idempotencyKey && this.#remembered.get(JSON.stringify([tenant, idempotencyKey]))
    if (remembered) return remembered.sent === sent ? replay(remembered.answer) : REUSED

    const key = JSON.stringify([tenant, externalId])
    const before = this.#contacts.get(key)
    const stored = {
      id: before?.id ?? `crm-${++this.#created}`,
      revision: (before?.revision ?? 0) + 1,
      contact,
    }
    this.#contacts.set(key, stored)
    const answer = {
      status: before === undefined ? 201 : 200,
      body: { id: stored.id, externalId, revision: stored.revision },
    }
    if (idempotencyKey) this.#remembered.set(JSON.stringify([tenant, idempotencyKey]), { sent, answer })
    return answer
  }
}

const REUSED: CrmAnswer = {
  status: 422,
  body: { error: 'this Idempotency-Key was used with another contact or other data' },
}

const replay = (answer: CrmAnswer): CrmAnswer => ({ ...answer, headers: { 'idempotency-replayed': 'true' } })

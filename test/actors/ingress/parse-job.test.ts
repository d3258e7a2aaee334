import { Type } from 'typebox'
import { describe, expect, test } from 'vitest'
import { compileCatalogue } from '../../../actors/ingress/catalogue.ts'
import { parseJob } from '../../../actors/ingress/parse-job.ts'
import { KINDS } from './fixture.ts'

const parse = (body: object, catalogue = KINDS) => parseJob(Buffer.from(JSON.stringify(body)), catalogue)
const refusal = (body: object, catalogue = KINDS) => {
  const parsed = parse(body, catalogue)
  return parsed.ok ? 'accepted' : `${parsed.code}: ${parsed.detail}`
}

const LEAD = { kind: 'lead.qualify', payload: { email: 'ada@example.com' } }
const SYNC = { kind: 'crm.sync', payload: { contact: 7 } }

describe('a job', () => {
  test('goes to the pool of its kind, in tier normal unless it says otherwise', () => {
    expect(parse(LEAD)).toEqual({
      ok: true,
      value: { kind: 'lead.qualify', pool: 'a', tier: 'normal', orderingKey: undefined },
    })
    expect(parse({ ...LEAD, tier: 'low' })).toMatchObject({ ok: true, value: { tier: 'low' } })
    expect(parse({ ...SYNC, tier: 'low' })).toMatchObject({ ok: true, value: { pool: 'c', tier: 'low' } })
  })

  test('with an ordering key has the tier that its kind fixes', () => {
    const ordered = { ok: true, value: { tier: 'critical', orderingKey: 'contact-7' } }
    expect(parse({ ...SYNC, orderingKey: 'contact-7' })).toMatchObject(ordered)
    expect(parse({ ...SYNC, orderingKey: 'contact-7', tier: 'critical' })).toMatchObject(ordered)
    expect(parse({ ...SYNC, orderingKey: 'ü'.repeat(128) }).ok).toBe(true)
  })

  test.each<[string, object, string]>([
    ['an array', [], 'invalid-request: the body must be an object'],
    [
      'an unknown member near a known one',
      { ...LEAD, teir: 'low' },
      'unknown member "teir" (did you mean "tier"?)',
    ],
    ['an unknown member near none', { ...LEAD, callback: 1 }, 'invalid-request: unknown member "callback"'],
    ['no kind', { payload: {} }, 'invalid-request: "kind" must be a string'],
    [
      'a kind that is no string',
      { ...LEAD, kind: ['lead.qualify'] },
      'invalid-request: "kind" must be a string',
    ],
    [
      'an unknown kind',
      { ...LEAD, kind: 'lead.qualfy' },
      'unknown-kind: no handler for "lead.qualfy" (did you mean "lead.qualify"?)',
    ],
    ['a kind of another object', { ...LEAD, kind: 'toString' }, 'unknown-kind: no handler for "toString"'],
    [
      'an unknown tier',
      { ...LEAD, tier: 'crtical' },
      'invalid-tier: "crtical" is no tier (did you mean "critical"?)',
    ],
    ['a tier that is no string', { ...LEAD, tier: 1 }, 'invalid-tier: "tier" must be a string'],
    ['no payload', { kind: 'lead.qualify' }, 'invalid-request: "payload" is missing'],
    [
      'an empty ordering key',
      { ...SYNC, orderingKey: '' },
      'invalid-ordering-key: "orderingKey" must be a string of 1 to 256 bytes',
    ],
    ['an ordering key that is no string', { ...SYNC, orderingKey: 7 }, 'invalid-ordering-key'],
    ['an ordering key of 257 bytes', { ...SYNC, orderingKey: `a${'ü'.repeat(128)}` }, 'invalid-ordering-key'],
    [
      'an ordering key where the tier is free',
      { ...LEAD, orderingKey: 'k' },
      'kind "lead.qualify" take no ordering key',
    ],
    [
      'an ordering key in another tier',
      { ...SYNC, orderingKey: 'k', tier: 'low' },
      'are of tier "critical", not "low"',
    ],
  ])('is refused with %s', (_, body, expected) => {
    expect(refusal(body)).toContain(expected)
  })

  test('is refused for a very long name without repeating it', () => {
    const name = 'k'.repeat(3_000)
    expect(refusal({ ...LEAD, kind: name }).length).toBeLessThan(120)
    expect(refusal({ ...LEAD, [name]: 1 }).length).toBeLessThan(120)
  })
})

describe('a payload that does not match its schema', () => {
  const strict = compileCatalogue([
    {
      kind: 'x.y',
      pool: 'a',
      payload: Type.Object(
        {
          size: Type.Union([Type.Literal('s'), Type.Literal('m')]),
          tags: Type.Array(Type.String()),
          more: Type.Optional(Type.Record(Type.String(), Type.Integer())),
        },
        { additionalProperties: false },
      ),
    },
  ])
  const explain = (payload: unknown) => refusal({ kind: 'x.y', payload }, strict)

  test.each([
    [null, 'invalid-payload: "/payload" must be object'],
    [{}, 'invalid-payload: "/payload" must have required properties size, tags'],
    [{ size: 'xl', tags: [] }, 'invalid-payload: "/payload/size" must be "s" or must be "m"'],
    [{ size: 's', tags: ['a', 1] }, 'invalid-payload: "/payload/tags/1" must be string'],
    [{ size: 's', tags: [], tgas: 1 }, 'invalid-payload: "/payload" must not have "tgas"'],
    [
      { size: 'l', tags: 2 },
      'invalid-payload: "/payload/size" must be "s" or must be "m"; "/payload/tags" must be array',
    ],
  ])('names the place and what is expected there: %j', (payload, expected) => {
    expect(explain(payload)).toBe(expected)
  })

  test('is explained in a bounded text', () => {
    const name = 'n'.repeat(3_000)
    expect(explain({ size: 's', tags: [], more: { [name]: 'x' } }).length).toBeLessThan(600)
    expect(explain({ size: 's', tags: [], [name]: 'x' }).length).toBeLessThan(600)
    expect(explain({ size: 's', tags: Array(1_000).fill(1) })).toContain('"/payload/tags/0" must be string')
  })

  test('is refused without a search for the place when it is large', () => {
    expect(explain({ size: 's', tags: Array(20_000).fill(1) })).toContain('at most 16384 bytes')
  })
})

test('two handlers of one kind are a mistake that is named', () => {
  const handler = { kind: 'x.y', pool: 'a' as const, payload: Type.Object({}) }
  expect(() => compileCatalogue([handler, handler])).toThrow('two handlers for the kind "x.y"')
})

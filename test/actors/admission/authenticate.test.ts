import { hash } from 'node:crypto'
import { expect, test } from 'vitest'
import {
  authenticateByGateway,
  authenticateByKey,
  authenticateDevelopment,
  DEVELOPMENT_KEY,
} from '../../../actors/admission/authenticate.ts'
import { parseKeysFile } from '../../../actors/admission/key-ring.ts'

const headers = (fields: Record<string, string>) => ({ header: (name: string) => fields[name] })
const bearer = (key: string) => headers({ authorization: `Bearer ${key}` })
const sha256 = (key: string): string => hash('sha256', key, 'hex')

test('a key opens its own tenant, whatever the tenant header says', () => {
  const authenticate = authenticateByKey([
    { tenant: 'acme', sha256: sha256('key-a') },
    { tenant: 'globex', sha256: sha256('key-b').toUpperCase() },
  ])
  expect(authenticate(bearer('key-a'))).toEqual({ tenant: 'acme' })
  expect(authenticate(headers({ authorization: 'bearer key-b', 'x-tenant-id': 'acme' }))).toEqual({
    tenant: 'globex',
  })
})

test.each([
  [{}, 'missing-credential'],
  [{ 'x-tenant-id': 'acme' }, 'missing-credential'],
  [{ authorization: 'Bearer nobody' }, 'invalid-credential'],
  [{ authorization: `Basic ${DEVELOPMENT_KEY}` }, 'invalid-credential'],
  [{ authorization: `Bearer ${DEVELOPMENT_KEY} x` }, 'invalid-credential'],
  [{ authorization: `Bearer ${sha256(DEVELOPMENT_KEY)}` }, 'invalid-credential'],
])('%o is refused as %s', (fields, code) => {
  expect(authenticateDevelopment()(headers(fields as Record<string, string>))).toBe(code)
})

test('a trusted gateway names the tenant, in a form that is safe to store and to log', () => {
  expect(authenticateByGateway(headers({ 'x-tenant-id': 'acme' }))).toEqual({ tenant: 'acme' })
  expect(authenticateByGateway(headers({}))).toBe('missing-credential')
  expect(authenticateByGateway(headers({ 'x-tenant-id': 'a\nb' }))).toBe('invalid-credential')
})

test.each([
  ['{', 'is not JSON'],
  ['[]', 'at least one'],
  ['[{"tenant":"a b","sha256":"00"}]', 'entry 0: tenant must match'],
  ['[{"tenant":"acme","sha256":"00"}]', 'entry 0 (acme): sha256 must be 64 hexadecimal digits'],
])('the keys file %s is refused and told why', (text, message) => {
  expect(() => parseKeysFile('keys.json', text)).toThrow(message)
})

import { hash } from 'node:crypto'
import type { ProblemCode } from '../../runtime/job/problem.ts'
import { KeyRing, TENANT, type TenantKey } from './key-ring.ts'

/**
 * Who is asking (S6): the tenant comes from the credential, never from the body. One authenticator per mode:
 * an API key as `Authorization: Bearer <key>`, or, only behind a gateway that is trusted to have checked it and to remove
 * the header from what clients send, `x-tenant-id`.
 */
export type Authenticate = (headers: Headers) => { tenant: string } | ProblemCode

interface Headers {
  header(name: string): string | undefined
}

/** Fixed, so that the commands in the README work as printed; valid on a loopback address only. */
export const DEVELOPMENT_KEY = 'sk-dev-local'
const DEVELOPMENT_TENANT = 'dev'

export function authenticateByKey(keys: Iterable<TenantKey>): Authenticate {
  const ring = new KeyRing(keys)
  return (headers) => {
    const authorization = headers.header('authorization')
    if (authorization === undefined) return 'missing-credential'
    const key = /^Bearer +(\S+)$/i.exec(authorization)?.[1]
    const tenant = key && ring.tenantOf(key)
    return tenant ? { tenant } : 'invalid-credential'
  }
}

export const authenticateDevelopment = (): Authenticate =>
  authenticateByKey([{ tenant: DEVELOPMENT_TENANT, sha256: hash('sha256', DEVELOPMENT_KEY, 'hex') }])

export const authenticateByGateway: Authenticate = (headers) => {
  const tenant = headers.header('x-tenant-id')
  if (tenant === undefined) return 'missing-credential'
  return TENANT.test(tenant) ? { tenant } : 'invalid-credential'
}

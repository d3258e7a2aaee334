/**
 * Every error a client can get, in one table: code, status, title, and whether the same request may succeed later.
 * Answered as RFC 9457 `application/problem+json` with `type: "urn:spillway:problem:<code>"`.
 */
interface ProblemKind {
  status: number
  title: string
  retryable: boolean
}

const problem = (status: number, title: string, retryable = false): ProblemKind => ({
  status,
  title,
  retryable,
})

export const PROBLEMS = {
  'invalid-json': problem(400, 'The body is not valid JSON.'),
  'invalid-utf8': problem(400, 'The body is not valid UTF-8.'),
  'nesting-too-deep': problem(400, 'The body is nested too deeply.'),
  'duplicate-key': problem(400, 'An object in the body has the same key twice.'),
  'forbidden-key': problem(400, 'An object in the body has a key that is not allowed.'),
  'nul-character': problem(400, 'A string in the body contains a NUL character.'),
  'invalid-request': problem(400, 'The body is not a job.'),
  'unknown-kind': problem(400, 'No handler is registered for this kind.'),
  'invalid-tier': problem(400, 'The tier is not one of critical, normal, low.'),
  'invalid-payload': problem(400, 'The payload does not match the schema of its kind.'),
  'invalid-ordering-key': problem(400, 'The ordering key is not usable.'),
  'invalid-idempotency-key': problem(400, 'The Idempotency-Key header is not usable.'),
  'invalid-kill': problem(400, 'The body does not say which actor is to end, and how.'),
  'batch-too-long': problem(400, 'The batch has too many lines.'),
  'missing-credential': problem(401, 'The request carries no credential.'),
  'invalid-credential': problem(401, 'The credential is not valid.'),
  'chaos-disabled': problem(403, 'This node does not let its actors be killed by request.'),
  'job-not-found': problem(404, 'There is no such job.'),
  'actor-not-running': problem(404, 'No such actor is running.', true),
  'not-found': problem(404, 'There is nothing at this address.'),
  'method-not-allowed': problem(405, 'This address does not answer this method.'),
  'request-in-progress': problem(409, 'The same request is being accepted at this moment.', true),
  'cannot-end-so': problem(409, 'This actor cannot be made to end in this way.'),
  'body-too-large': problem(413, 'The body is too large.'),
  'unsupported-encoding': problem(415, 'The body must be sent without Content-Encoding.'),
  'unsupported-media-type': problem(415, 'The Content-Type is not supported here.'),
  'wrong-host': problem(421, 'The Host header does not name this machine.'),
  'idempotency-key-reused': problem(422, 'The Idempotency-Key was used with a different body.'),
  'quota-exceeded': problem(429, 'This tenant is over its share.', true),
  'internal-error': problem(500, 'The node failed to answer.', true),
  'temporary-reduced-capacity': problem(503, 'The system has no capacity for this job right now.', true),
  'log-unavailable': problem(503, 'The job could not be made durable; it may be sent again.', true),
  'store-unavailable': problem(503, 'The job table cannot be read right now.', true),
  draining: problem(503, 'The node is shutting down; send the request to another.', true),
} as const satisfies Record<string, ProblemKind>

export type ProblemCode = keyof typeof PROBLEMS

export interface ProblemDocument {
  type: string
  title: string
  status: number
  code: ProblemCode
  detail?: string
  traceId: string
}

export function problemDocument(code: ProblemCode, traceId: string, detail?: string): ProblemDocument {
  const { status, title } = PROBLEMS[code]
  return { type: `urn:spillway:problem:${code}`, title, status, code, ...(detail && { detail }), traceId }
}

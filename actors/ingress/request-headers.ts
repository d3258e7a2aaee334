import { BOUNDS } from '../../runtime/config/bounds.ts'
import { type Checked, type Refusal, refuse } from '../../runtime/http/refusal.ts'
import { quoted } from './did-you-mean.ts'

/** Where headers are read from: names in lower case, undefined when absent. */
export interface RequestHeaders {
  header(name: string): string | undefined
}

export const JOB_MEDIA_TYPES: readonly string[] = ['application/json']
export const BATCH_MEDIA_TYPES: readonly string[] = ['application/x-ndjson', 'application/ndjson']

/** Why this body cannot be read, by what the headers say of it; undefined when it can. No Content-Type is fine. */
export function refuseMedia(headers: RequestHeaders, mediaTypes: readonly string[]): Refusal | undefined {
  const encoding = headers.header('content-encoding')
  if (encoding !== undefined && encoding.toLowerCase() !== 'identity')
    return refuse('unsupported-encoding', `Content-Encoding ${quoted(encoding)}: send the body as it is`)
  const contentType = headers.header('content-type')
  if (contentType === undefined || mediaTypes.includes(contentType)) return undefined
  const [mediaType = ''] = contentType.split(';', 1)
  if (mediaTypes.includes(mediaType.trim().toLowerCase())) return undefined
  return refuse('unsupported-media-type', `Content-Type ${quoted(contentType)}: send ${mediaTypes[0]}`)
}

const IDEMPOTENCY_KEY_BYTES_MAX = BOUNDS.ingress.idempotencyKeyBytesMax
const IDEMPOTENCY_KEY = new RegExp(`^[\\x21-\\x7e]{1,${IDEMPOTENCY_KEY_BYTES_MAX}}$`)

export function idempotencyKeyOf(headers: RequestHeaders): Checked<string | undefined> {
  const key = headers.header('idempotency-key')
  if (key === undefined || IDEMPOTENCY_KEY.test(key)) return { ok: true, value: key }
  return refuse(
    'invalid-idempotency-key',
    `it must be 1 to ${IDEMPOTENCY_KEY_BYTES_MAX} visible ASCII characters without spaces`,
  )
}

/** For batches. */
export function noIdempotencyKey(headers: RequestHeaders): Checked<undefined> {
  if (headers.header('idempotency-key') === undefined) return { ok: true, value: undefined }
  return refuse(
    'invalid-idempotency-key',
    'one key cannot mean the many jobs of a batch: send it with single jobs',
  )
}

import { BOUNDS } from '../config/bounds.ts'
import { UpstreamError } from './context.ts'
import { retryAfterMs } from './retry-after.ts'

/**
 * What every reader of an upstream's response shares: its status becomes an UpstreamError, its body is bounded while it
 * streams in (after decompression, so that a small body which unpacks to gigabytes is bounded too).
 */
export interface NamedUpstream {
  name: string
}

export const BODY_BYTES_MAX = BOUNDS.upstream.responseBytesMax
const EXCERPT_BYTES_MAX = 512

/**
 * Throws UpstreamError unless the status is 2xx. 408, 429 and 5xx can be retried, with their Retry-After; any other
 * answer will be the same next time. The message carries the beginning of the body: it says what was wrong.
 */
export async function checkStatus(upstream: NamedUpstream, response: Response): Promise<void> {
  if (response.ok) return
  const { status } = response
  const retryable = status === 408 || status === 429 || status >= 500
  const waitMs = retryable ? retryAfterMs(response.headers.get('retry-after'), Date.now()) : undefined
  const said = await excerpt(response)
  throw new UpstreamError(upstream.name, `answered ${status}${said && `: ${said}`}`, {
    retryable,
    ...(waitMs !== undefined && { retryAfterMs: waitMs }),
  })
}

/** The body's chunks; throws UpstreamError once they are more than `bytesMax`. Closes the response when left early. */
export async function* cappedChunks(
  upstream: NamedUpstream,
  response: Response,
  bytesMax: number,
): AsyncGenerator<Uint8Array> {
  let bytes = 0
  // Leaving a for-await loop over a ReadableStream cancels it, which closes the connection.
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > bytesMax) throw new UpstreamError(upstream.name, `answered with more than ${bytesMax} bytes`)
    yield chunk
  }
}

async function excerpt(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of response.body ?? []) {
      chunks.push(chunk)
      bytes += chunk.byteLength
      if (bytes >= EXCERPT_BYTES_MAX) break
    }
  } catch {
    // The status is what matters; the body was only to explain it.
  }
  return Buffer.concat(chunks).toString('utf8', 0, EXCERPT_BYTES_MAX).replace(/\s+/g, ' ').trim()
}

import { UpstreamError } from './context.ts'
import { BODY_BYTES_MAX, cappedChunks, checkStatus, type NamedUpstream } from './upstream-body.ts'

/**
 * The JSON body of an upstream's 2xx answer, at most `bytesMax` bytes. Throws UpstreamError for any other status (see
 * `checkStatus`), for a longer body and for one that is not JSON. Its shape is the caller's to check.
 */
export async function readJson(
  upstream: NamedUpstream,
  response: Response,
  { bytesMax = BODY_BYTES_MAX }: { bytesMax?: number } = {},
): Promise<unknown> {
  await checkStatus(upstream, response)
  const chunks: Uint8Array[] = []
  for await (const chunk of cappedChunks(upstream, response, bytesMax)) chunks.push(chunk)
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)))
  } catch (cause) {
    throw new UpstreamError(upstream.name, `answered ${response.status} with a body that is not JSON`, {
      cause,
    })
  }
}

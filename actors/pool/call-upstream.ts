import {
  isPermanentError,
  isUpstreamError,
  type UpstreamCall,
  UpstreamError,
} from '../../runtime/handler/context.ts'
import type { UpstreamConfig } from '../../runtime/handler/upstream-config.ts'

/**
 * One call of one upstream: settles at its time-out or the job's deadline at the latest, whether or not `fn` minds its
 * signal (a late result is dropped). Rejects with UpstreamError, or with the PermanentError that `fn` threw.
 */
export async function callUpstream<T>(
  name: string,
  { baseUrl, timeoutMs, apiKey, settings }: UpstreamConfig,
  headers: Readonly<Record<string, string>>,
  deadline: AbortSignal,
  fn: (upstream: UpstreamCall) => Promise<T>,
): Promise<T> {
  if (deadline.aborted) throw new UpstreamError(name, 'not called: the run is over')
  const controller = new AbortController()
  const cutOff = Promise.withResolvers<never>()
  const giveUp = (why: string) => {
    const error = new UpstreamError(name, why)
    cutOff.reject(error)
    controller.abort(error)
  }
  const onDeadline = () => giveUp("cut off by the job's deadline")
  const timer = setTimeout(() => giveUp(`no answer within ${timeoutMs} ms`), timeoutMs)
  deadline.addEventListener('abort', onDeadline, { once: true })
  const call: UpstreamCall = {
    name,
    baseUrl,
    settings,
    signal: controller.signal,
    headers: { ...headers, ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }) },
  }
  try {
    return await Promise.race([fn(call), cutOff.promise])
  } catch (thrown) {
    throw isUpstreamError(thrown) || isPermanentError(thrown) ? thrown : asUpstreamError(name, thrown)
  } finally {
    clearTimeout(timer)
    deadline.removeEventListener('abort', onDeadline)
    controller.abort(CALL_OVER)
  }
}

// One for all: a response that nobody read is closed with it.
const CALL_OVER = new Error('the call is over: read the response inside the function given to ctx.call')

/** `fetch failed` says nothing: the reason is in its cause (ECONNREFUSED, UND_ERR_SOCKET, …). */
function asUpstreamError(name: string, thrown: unknown): UpstreamError {
  if (!(thrown instanceof Error)) return new UpstreamError(name, 'the call failed', { cause: thrown })
  const cause = thrown.cause as { code?: unknown; message?: unknown } | undefined
  const reason = cause?.code ?? cause?.message
  return new UpstreamError(name, `${thrown.message}${reason === undefined ? '' : ` (${reason})`}`, {
    cause: thrown,
  })
}

import { randomFillSync } from 'node:crypto'

/** W3C Trace Context, version 00: `00-<32 hex trace id>-<16 hex span id>-<2 hex flags>`. */
const TRACEPARENT = /^00-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-([0-9a-f]{2})$/

export interface Trace {
  traceId: string
  /** The header to send on: the caller's trace, this node's span. */
  traceparent: string
}

/** Continues a valid `traceparent` under a span of our own; starts a new, sampled trace otherwise. */
export function continueTrace(header: string | undefined): Trace {
  const match = header ? TRACEPARENT.exec(header) : null
  const traceId = match?.[1] ?? randomHex(16)
  return { traceId, traceparent: `00-${traceId}-${randomHex(8)}-${match?.[2] ?? '01'}` }
}

export const traceIdOf = (traceparent: string): string => traceparent.slice(3, 35)

// One system call per 4 KiB of randomness instead of one per request.
const randomPool = Buffer.alloc(4096)
let randomUsed = randomPool.length

function randomHex(bytes: number): string {
  if (randomUsed + bytes > randomPool.length) {
    randomFillSync(randomPool)
    randomUsed = 0
  }
  randomUsed += bytes
  return randomPool.toString('hex', randomUsed - bytes, randomUsed)
}

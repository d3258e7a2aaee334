import { onTestFinished, vi } from 'vitest'
import type { RunOptions } from '../../../actors/pool/run-job.ts'
import type { HandlerContext, HandlerLog } from '../../../runtime/handler/context.ts'
import {
  defineHandler,
  type Handler,
  type HandlerDefinition,
} from '../../../runtime/handler/define-handler.ts'
import { Type } from '../../../runtime/handler/index.ts'
import type { UpstreamConfig } from '../../../runtime/handler/upstream-config.ts'
import type { Envelope } from '../../../runtime/job/envelope.ts'

export const NOW_MS = 1_900_000_000_000

export const envelopeOf = (payload: unknown, change: Partial<Envelope> = {}): Envelope => ({
  id: `00abc${'x'.repeat(43)}`,
  tenant: 'acme',
  kind: 'test.run',
  tier: 'normal',
  orderingKey: undefined,
  attempt: 1,
  acceptedAtMs: NOW_MS - 1_000,
  traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  keyed: false,
  unclaimed: false,
  bodyHash: 'hash',
  body: Buffer.from(JSON.stringify({ kind: 'test.run', payload })),
  ...change,
})

export const handlerOf = (
  handle: (payload: unknown, ctx: HandlerContext) => unknown,
  change: Partial<HandlerDefinition> = {},
): Handler =>
  defineHandler({
    kind: 'test.run',
    pool: 'a',
    timeoutMs: 10_000,
    retry: { attemptsMax: 3, backoffMinMs: 100, backoffMaxMs: 1_000 },
    payload: Type.Object({}),
    handle: (job, ctx) => handle(job.payload, ctx) as object,
    ...change,
  })

export const upstreamOf = (baseUrl: string, change: Partial<UpstreamConfig> = {}): UpstreamConfig => ({
  baseUrl,
  timeoutMs: 5_000,
  settings: {},
  ...change,
})

export const logOf = () => ({ info: vi.fn<HandlerLog['info']>(), warn: vi.fn<HandlerLog['warn']>() })

export const optionsOf = (change: Partial<RunOptions> = {}): RunOptions => ({
  thin: false,
  upstreams: {},
  now: () => NOW_MS,
  random: () => 0,
  log: logOf(),
  ...change,
})

/** Collects them for as long as the test runs; in a thread each of them would be its end. */
export function unhandledRejections(): unknown[] {
  const reasons: unknown[] = []
  const collect = (reason: unknown) => reasons.push(reason)
  process.on('unhandledRejection', collect)
  onTestFinished(() => void process.off('unhandledRejection', collect))
  return reasons
}

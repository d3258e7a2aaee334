import { type Envelope, encodeEnvelope } from '../../runtime/job/envelope.ts'
import { identify } from '../../runtime/job/id.ts'
import type { Job } from '../../runtime/job/job.ts'
import type { Outcome } from '../../runtime/job/outcome.ts'

const TRACEPARENT = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'

let counter = 0

/** An envelope of its own body, as the ingress would have made it. */
function anEnvelope(fields: Partial<Envelope> = {}): Envelope {
  const body = fields.body ?? Buffer.from(JSON.stringify({ kind: 'test.echo', payload: { n: counter++ } }))
  const tenant = fields.tenant ?? 'acme'
  const kind = fields.kind ?? 'test.echo'
  const acceptedAtMs = fields.acceptedAtMs ?? Date.UTC(2026, 0, 15, 12)
  const { id, bodyHash } = identify({ tenant, kind, idempotencyKey: undefined, body }, acceptedAtMs)
  return {
    id,
    tenant,
    kind,
    tier: 'normal',
    orderingKey: undefined,
    attempt: 1,
    acceptedAtMs,
    traceparent: TRACEPARENT,
    keyed: false,
    unclaimed: false,
    bodyHash,
    body,
    ...fields,
  }
}

/** A job as the log delivers it. */
export function aJob(fields: Partial<Envelope> = {}, offset = counter++): Job {
  const envelope = anEnvelope(fields)
  return {
    envelope,
    origin: { from: 'log', lane: `pool-a.${envelope.tier}`, partition: 0, offset },
    encoded: encodeEnvelope(envelope),
  }
}

export function anOutcome(fields: Partial<Outcome> = {}): Outcome {
  const { envelope, origin } = aJob(fields.envelope)
  return {
    envelope,
    origin,
    state: 'done',
    writes: [],
    skipped: [],
    startedAtMs: envelope.acceptedAtMs,
    finishedAtMs: envelope.acceptedAtMs + 5,
    ...fields,
  }
}

import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Acceptor, type AcceptorOptions, emptyAcceptorStats } from '../../../actors/accept/acceptor.ts'
import { Partitioner } from '../../../actors/accept/partitioner.ts'
import { ActorCell } from '../../../runtime/actor/actor-cell.ts'
import type { Claims } from '../../../runtime/claims/claims.ts'
import { MemoryClaims } from '../../../runtime/claims/memory-claims.ts'
import { decodeEnvelope, type Envelope } from '../../../runtime/job/envelope.ts'
import { WINDOW_MS } from '../../../runtime/job/id.ts'
import { LANES } from '../../../runtime/job/lane.ts'
import type { Submission, SubmissionVerdict } from '../../../runtime/job/submission.ts'
import { openLmdbLog } from '../../../runtime/log/lmdb-log.ts'
import { HeldLog } from '../../support/held-log.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { testSystem } from '../../support/test-system.ts'
import { until } from '../../support/until.ts'

/** The acceptor as an actor, with real claims and a real log whose appends the test holds and lets go; the clock is its own. */
const STARTED_MS = Date.UTC(2026, 0, 15, 12)
const OPTIONS = {
  batchJobsMax: 1_000,
  batchBytesMax: 1_000_000,
  appendEveryMs: 0,
  appendAtOnceJobs: 1_000,
  heldJobsMax: 1_000,
  heldBytesMax: 1_000_000,
  waitForOwnerMs: 200,
  // Real time: only how soon it looks at the test's clock.
  askAgainMs: 1,
}

let nowMs: number
let log: HeldLog
let claims: Claims
let stats: ReturnType<typeof emptyAcceptorStats>
let cell: ActorCell<readonly Submission[]>

beforeEach(async () => {
  nowMs = STARTED_MS
  const directory = temporaryDirectory()
  const real = await openLmdbLog({
    directory: join(directory, 'log'),
    partitions: new Map(LANES.map((lane) => [lane, 2])),
    retention: { ageMs: 3_600_000, bytesMax: 2 ** 30 },
  })
  log = new HeldLog(real)
  claims = new MemoryClaims({ lifetimeMs: 900_000 })
})

afterEach(async () => {
  cell.kill()
  await Promise.all([log.close(), claims.close()])
})

async function start(options: Partial<AcceptorOptions> = {}): Promise<void> {
  stats = emptyAcceptorStats()
  const now = () => nowMs
  const create = () =>
    new Acceptor({
      ...OPTIONS,
      claims,
      log,
      partitioner: new Partitioner(2),
      now,
      stats,
      observeAck: () => {},
      ...options,
    })
  cell = new ActorCell(testSystem(now), '/test/acceptor', 1_000, create)
  await cell.start()
}

/** A submission of its own trace that keeps the verdicts it gets. */
class Request implements Submission {
  readonly tenant = 'acme'
  readonly kind = 'test.echo'
  readonly pool = 'a'
  readonly tier = 'normal'
  readonly orderingKey = undefined
  readonly idempotencyKey: string | undefined
  readonly body: Uint8Array
  readonly traceId: string
  readonly traceparent: string
  readonly receivedAtMs = nowMs
  readonly verdicts: SubmissionVerdict[] = []
  readonly #settled: PromiseWithResolvers<SubmissionVerdict> = Promise.withResolvers()
  static #count = 0

  constructor(body: string, idempotencyKey?: string) {
    this.body = Buffer.from(body)
    this.idempotencyKey = idempotencyKey
    this.traceId = (++Request.#count).toString(16).padStart(32, '0')
    this.traceparent = `00-${this.traceId}-00f067aa0ba902b7-01`
  }

  get settled(): Promise<SubmissionVerdict> {
    return this.#settled.promise
  }

  settle(verdict: SubmissionVerdict): void {
    this.verdicts.push(verdict)
    this.#settled.resolve(verdict)
  }
}

/** In one message, as one turn of the ingress brings them. */
function submit(...bodies: string[]): Request[] {
  const requests = bodies.map((body) => new Request(body))
  cell.tell(requests)
  return requests
}

function submitOne(body: string, idempotencyKey?: string): Request {
  const request = new Request(body, idempotencyKey)
  cell.tell([request])
  return request
}

/** Each in a message of its own. */
const submitCopies = (count: number, body: string): Request[] =>
  Array.from({ length: count }, () => submitOne(body))

/** Lets the waiting ones ask for their claims again, more than once. */
async function askedAgain(): Promise<void> {
  const before = stats.claimBatches
  await until(() => stats.claimBatches >= before + 3, 'the waiting ask again')
}

async function recordsInLog(): Promise<number> {
  const progress = await log.progress('test', LANES)
  return progress.reduce((sum, { end }) => sum + end, 0)
}

const envelopesOf = ({ records }: { records: readonly { value: Uint8Array }[] }): Envelope[] =>
  records.map(({ value }) => decodeEnvelope(value))

const NOT_DURABLE = { accepted: false, problem: 'log-unavailable', retryAfterS: 1 }
const IN_PROGRESS = { accepted: false, problem: 'request-in-progress', retryAfterS: 1 }

const verdictsOf = (requests: readonly Request[]): SubmissionVerdict[] =>
  requests.flatMap(({ verdicts }) => verdicts)
const settledOf = (requests: readonly Request[]): Promise<SubmissionVerdict[]> =>
  Promise.all(requests.map(({ settled }) => settled))

describe('a job', () => {
  test('is accepted once the log has acknowledged it, as it came', async () => {
    await start()
    const request = submitOne('{"n":1}')
    const append = await log.nextAppend()
    const [envelope] = envelopesOf(append)
    expect(envelope).toMatchObject({
      tenant: 'acme',
      kind: 'test.echo',
      tier: 'normal',
      attempt: 1,
      acceptedAtMs: STARTED_MS,
      traceparent: request.traceparent,
      keyed: false,
      unclaimed: false,
    })
    expect(Buffer.from(envelope!.body).toString()).toBe('{"n":1}')
    expect(append.records[0]).toMatchObject({ lane: 'pool-a.normal', traceparent: request.traceparent })
    expect(request.verdicts).toEqual([])

    await append.pass()
    const { traceId } = request
    expect(await request.settled).toEqual({ accepted: true, id: envelope!.id, traceId, replayed: false })
    expect(await recordsInLog()).toBe(1)
  })

  test('that comes while another is appended goes with all that came meanwhile', async () => {
    await start()
    const first = submitOne('first')
    const append = await log.nextAppend()
    const others = submit('a', 'b', 'c')
    await append.pass()
    expect(await first.settled).toMatchObject({ accepted: true })
    const next = await log.nextAppend()
    expect(envelopesOf(next).map(({ body }) => Buffer.from(body).toString())).toEqual(['a', 'b', 'c'])
    expect(verdictsOf(others)).toEqual([])
    await next.pass()
    for (const verdict of await settledOf(others)) expect(verdict).toMatchObject({ replayed: false })
  })

  test('that cannot be claimed is appended all the same, and marked', async () => {
    claims = new MemoryClaims({ lifetimeMs: 900_000, pendingMax: 1 })
    await start()
    const requests = submit('one', 'two')
    const append = await log.nextAppend()
    expect(envelopesOf(append).map(({ unclaimed }) => unclaimed)).toEqual([false, true])
    await append.pass()
    for (const verdict of await settledOf(requests)) expect(verdict).toMatchObject({ replayed: false })
  })
})

describe('appends that begin a while apart', () => {
  const AN_HOUR_MS = 3_600_000

  test('the first goes at once, the next waits, until enough are there', async () => {
    await start({ appendEveryMs: AN_HOUR_MS, appendAtOnceJobs: 3 })
    submit('alone')
    await (await log.nextAppend()).pass()
    // The copy asks again and again, so that time passes.
    const waiting = submit('b', 'b')
    await askedAgain()
    expect(verdictsOf(waiting)).toEqual([])
    submit('c', 'd')
    const next = await log.nextAppend()
    expect(envelopesOf(next).map(({ body }) => Buffer.from(body).toString())).toEqual(['b', 'c', 'd'])
    await next.pass()
  })

  test('the next goes when its time has come, whatever the clock says', async () => {
    await start({ appendEveryMs: 1 })
    submit('a')
    await (await log.nextAppend()).pass()
    nowMs -= AN_HOUR_MS
    submit('b')
    await (await log.nextAppend()).pass()
  })

  test('a stop does not wait for it', async () => {
    await start({ appendEveryMs: AN_HOUR_MS })
    const [first] = submit('first')
    await (await log.nextAppend()).pass()
    const [last] = submit('last')
    await until(() => stats.claimBatches === 2, 'it has been received')
    cell.stop()
    await (await log.nextAppend()).pass()
    for (const verdict of await settledOf([first!, last!])) expect(verdict).toMatchObject({ accepted: true })
  })
})

test('an append takes no more bytes than it may, and one job at least', async () => {
  await start({ batchBytesMax: 4 })
  submit('x')
  const first = await log.nextAppend()
  submit('aaa', 'bbb', 'ccc', 'dddddddd')
  await until(() => stats.claimBatches === 2, 'they have been received')
  await first.pass()
  const sizes: number[] = []
  for (let i = 0; i < 2; i++) {
    const append = await log.nextAppend()
    sizes.push(append.records.length)
    await append.pass()
  }
  expect(sizes).toEqual([2, 2])
})

test('while claims have been forgotten before their time, jobs are marked, so that the job table looks for copies', async () => {
  claims = new MemoryClaims({ lifetimeMs: 900_000, acceptedMax: 2 })
  await start()
  const marks: boolean[] = []
  for (const body of ['a', 'b', 'c', 'd']) {
    submit(body)
    const append = await log.nextAppend()
    marks.push(...envelopesOf(append).map(({ unclaimed }) => unclaimed))
    await append.pass()
  }
  expect(marks).toEqual([false, false, false, true])
})

describe('the same body a hundred times', () => {
  test('is answered to nobody before it is durable, then to all with one id and one trace', async () => {
    await start()
    const requests = submitCopies(100, 'same')
    const append = await log.nextAppend()
    expect(append.records).toHaveLength(1)
    await askedAgain()
    expect(verdictsOf(requests)).toEqual([])
    expect(cell.inspect()).toMatchObject({ heldJobs: 100, heldBytes: 400 })

    await append.pass()
    const verdicts = await settledOf(requests)
    const [{ id }] = envelopesOf(append) as [Envelope]
    const { traceId } = requests[0]!
    expect(verdicts.filter((verdict) => verdict.accepted && !verdict.replayed)).toHaveLength(1)
    for (const verdict of verdicts) expect(verdict).toMatchObject({ accepted: true, id, traceId })
    expect(verdictsOf(requests)).toHaveLength(100)
    expect(await recordsInLog()).toBe(1)
    expect(stats).toMatchObject({ accepted: 1, replayed: 99, refused: 0, appendBatches: 1 })
    expect(cell.inspect()).toMatchObject({ heldJobs: 0, heldBytes: 0 })
  })

  test('in one message is no different', async () => {
    await start()
    const requests = submit(...Array.from({ length: 100 }, () => 'same'))
    const append = await log.nextAppend()
    await askedAgain()
    expect(verdictsOf(requests)).toEqual([])
    await append.pass()
    const verdicts = await settledOf(requests)
    expect(new Set(verdicts.map((verdict) => verdict.accepted && verdict.id)).size).toBe(1)
    expect(verdicts.filter((verdict) => verdict.accepted && verdict.replayed)).toHaveLength(99)
    expect(await recordsInLog()).toBe(1)
  })
})

describe('a duplicate', () => {
  test('of an accepted job gets its id and trace, across the edge of a window too, without an append', async () => {
    nowMs = STARTED_MS + WINDOW_MS - 1
    await start()
    const first = submitOne('again')
    await (await log.nextAppend()).pass()
    const accepted = await first.settled
    nowMs += 1_000
    expect(await submitOne('again').settled).toEqual({ ...accepted, replayed: true })
    expect(stats.appendBatches).toBe(1)
  })

  test('with another body under the same key is refused, while the first is appended and afterwards', async () => {
    await start()
    const first = submitOne('body', 'key-1')
    const append = await log.nextAppend()
    const reused = { accepted: false, problem: 'idempotency-key-reused' }
    expect(await submitOne('other', 'key-1').settled).toEqual(reused)
    await append.pass()
    expect(await first.settled).toMatchObject({ replayed: false })
    expect(await submitOne('other', 'key-1').settled).toEqual(reused)
    expect(await submitOne('body', 'key-1').settled).toMatchObject({ replayed: true })
  })

  test('that has waited its time for the first is told to come again, and not a millisecond earlier', async () => {
    await start()
    const [first, second] = submitCopies(2, 'same') as [Request, Request]
    const append = await log.nextAppend()
    nowMs += OPTIONS.waitForOwnerMs - 1
    await askedAgain()
    expect(second.verdicts).toEqual([])
    nowMs += 1
    expect(await second.settled).toEqual(IN_PROGRESS)
    expect(first.verdicts).toEqual([])

    await append.pass()
    expect(await first.settled).toMatchObject({ accepted: true, replayed: false })
    expect(await submitOne('same').settled).toMatchObject({ accepted: true, replayed: true })
  })
})

describe('an append that', () => {
  test('failed is a 503 for its owner, and the next same request is appended', async () => {
    await start()
    const [owner, waiting] = submitCopies(2, 'same') as [Request, Request]
    const append = await log.nextAppend()
    append.fail()
    expect(await owner.settled).toEqual(NOT_DURABLE)

    const next = await log.nextAppend()
    expect(waiting.verdicts).toEqual([])
    expect(envelopesOf(next).map(({ id }) => id)).toEqual(envelopesOf(append).map(({ id }) => id))
    await next.pass()
    expect(await waiting.settled).toMatchObject({ accepted: true, replayed: false, traceId: waiting.traceId })
    expect(await submitOne('same').settled).toMatchObject({ replayed: true, traceId: waiting.traceId })
    expect(await recordsInLog()).toBe(1)
  })

  test('has no known outcome is a 503, and the next same request is appended under the same id, in a later window too', async () => {
    nowMs = STARTED_MS + WINDOW_MS - 1
    await start()
    const owner = submitOne('same')
    const append = await log.nextAppend()
    await append.loseAnswer()
    expect(await owner.settled).toEqual(NOT_DURABLE)

    nowMs += 1_000
    const request = submitOne('same')
    const next = await log.nextAppend()
    const [{ id }] = envelopesOf(append) as [Envelope]
    expect(envelopesOf(next)).toMatchObject([{ id, unclaimed: false }])
    await next.pass()
    expect(await request.settled).toEqual({ accepted: true, id, traceId: request.traceId, replayed: false })
    // Both copies are in the log; the job table absorbs one of them.
    expect(await recordsInLog()).toBe(2)
  })
})

describe('an acceptor that holds as much as it may', () => {
  test.each([
    { what: 'jobs', bounds: { heldJobsMax: 2 } },
    { what: 'bytes', bounds: { heldBytesMax: 6 } },
  ])('in $what refuses more, and takes more when it has answered', async ({ bounds }) => {
    await start(bounds)
    const held = submit('one', 'two')
    const append = await log.nextAppend()
    const refused = await submitOne('three').settled
    expect(refused).toEqual({ accepted: false, problem: 'temporary-reduced-capacity', retryAfterS: 1 })
    await append.pass()
    for (const verdict of await settledOf(held)) expect(verdict).toMatchObject({ accepted: true })
    const later = submitOne('three')
    await (await log.nextAppend()).pass()
    expect(await later.settled).toMatchObject({ accepted: true, replayed: false })
  })
})

describe('an acceptor that is stopped', () => {
  test('finishes what it has begun, lets no duplicate wait, and settles each once', async () => {
    await start({ batchJobsMax: 1 })
    const [appending, claimed] = submit('appending', 'claimed') as [Request, Request]
    const append = await log.nextAppend()
    const duplicate = submitOne('appending')
    await askedAgain()
    cell.stop()
    expect(await duplicate.settled).toEqual(IN_PROGRESS)
    expect(verdictsOf([appending, claimed])).toEqual([])
    await append.pass()
    await (await log.nextAppend()).pass()
    for (const verdict of await settledOf([appending, claimed]))
      expect(verdict).toMatchObject({ accepted: true, replayed: false })
    expect(await cell.exited).toMatchObject({ kind: 'shutdown' })
    expect(verdictsOf([appending, claimed, duplicate])).toHaveLength(3)
  })
})

describe('an acceptor whose log or claims break their promise never to reject', () => {
  test('in an append ends, refuses all it holds once, and its next life accepts them', async () => {
    await start({ batchJobsMax: 2 })
    const requests = submit('appending', 'appending too', 'claimed', 'claimed too')
    const append = await log.nextAppend()
    const duplicate = submitOne('appending')
    await askedAgain()
    append.reject(new Error('a bug in the log'))
    expect(await cell.exited).toMatchObject({ kind: 'error', error: { message: 'a bug in the log' } })
    expect(verdictsOf([...requests, duplicate])).toEqual(Array.from({ length: 5 }, () => NOT_DURABLE))

    await cell.start()
    await expectAccepted(submit('appending', 'appending too', 'claimed', 'claimed too'), 2)
  })

  test('in a claim ends, refuses all it holds once, and its next life accepts them', async () => {
    const { claim } = claims
    let broken: Error | undefined
    claims.claim = (...of) => (broken ? Promise.reject(broken) : claim.apply(claims, of))
    await start({ batchJobsMax: 1 })
    const requests = submit('appending', 'claimed')
    const append = await log.nextAppend()
    await until(() => stats.claimBatches === 2, 'both are claimed')
    broken = new Error('a bug in the claims')
    requests.push(...submit('arrived', 'arrived too'))
    expect(await cell.exited).toMatchObject({ kind: 'error', error: { message: 'a bug in the claims' } })
    expect(verdictsOf(requests)).toEqual(Array.from({ length: 4 }, () => NOT_DURABLE))
    // What was under way then ends in nobody's hands.
    await append.pass()

    broken = undefined
    await cell.start()
    await expectAccepted(submit('appending', 'claimed', 'arrived', 'arrived too'), 1)
    expect(verdictsOf(requests)).toHaveLength(4)
  })

  /** In appends of this many. */
  async function expectAccepted(requests: readonly Request[], appendJobs: number): Promise<void> {
    for (let appended = 0; appended < requests.length; appended += appendJobs)
      await (await log.nextAppend()).pass()
    for (const verdict of await settledOf(requests))
      expect(verdict).toMatchObject({ accepted: true, replayed: false })
    expect(verdictsOf(requests)).toHaveLength(requests.length)
  }
})

test('a killed acceptor refuses what it held as not known, and settles nothing twice', async () => {
  await start()
  const [appending, waiting] = submitCopies(2, 'same') as [Request, Request]
  const append = await log.nextAppend()
  cell.kill()
  expect([appending.verdicts, waiting.verdicts]).toEqual([[NOT_DURABLE], [NOT_DURABLE]])
  await cell.start()
  const again = submitOne('same')
  const next = await log.nextAppend()
  await append.pass()
  await next.pass()
  expect(await again.settled).toMatchObject({ accepted: true, replayed: false })
  expect([appending.verdicts, waiting.verdicts]).toEqual([[NOT_DURABLE], [NOT_DURABLE]])
})

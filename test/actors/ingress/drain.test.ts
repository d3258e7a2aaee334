import { describe, expect, test } from 'vitest'
import { call, keepAlive, RawClient } from '../../support/http-client.ts'
import { until } from '../../support/until.ts'
import { acceptance, HEADERS, JOB_ID, lead, startIngress } from './fixture.ts'

/** Whether a promise is settled yet, by its side effect. */
function watch(promise: Promise<void>): { done: boolean } {
  const watched = { done: false }
  promise.then(
    () => {
      watched.done = true
    },
    () => {},
  )
  return watched
}

describe('an ingress that drains', () => {
  test('resolves at once when it has nothing to do, and listens no more', async () => {
    const { ingress, port } = startIngress()
    await ingress.drain()
    await expect(call(port, {})).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  test('answers what is in flight, a body on its way included, before it resolves', async () => {
    const { ingress, port, next, post } = startIngress()
    next.verdict = () => 'later'
    const waiting = post(lead(), { agent: keepAlive() })
    const sending = new RawClient(port)
    sending.send(
      `POST /v1/jobs HTTP/1.1\r\nHost: x\r\nX-Api-Key: key-of-acme\r\nContent-Length: ${lead().length}\r\n\r\n{`,
    )
    await until(() => next.submissions.length === 1 && ingress.stats.requestsInFlight === 2, 'both requests')

    const drained = ingress.drain()
    const watched = watch(drained)
    for (const submission of next.submissions) submission.settle(acceptance(submission))
    const reply = await waiting
    expect(reply).toMatchObject({ status: 202 })
    expect(reply.headers.connection).toBe('close')
    expect(watched.done).toBe(false)

    next.verdict = acceptance
    sending.send(lead().slice(1))
    expect(await sending.receives('"accepted"')).toContain('HTTP/1.1 202 ')
    await drained
    expect(ingress.stats).toMatchObject({ requestsInFlight: 0, jobs: { accepted: 2 } })
  })

  test('refuses what still comes on open connections, and closes them', async () => {
    const { ingress, port, next, post } = startIngress()
    const [one, other] = [keepAlive(), keepAlive()]
    for (const agent of [one, other]) await post(lead(), { agent })
    next.verdict = () => 'later'
    const pending = post(lead())
    await until(() => next.submissions.length === 3, 'a request in flight')
    const drained = ingress.drain()
    const replies = [
      await post(lead(), { agent: one }),
      await call(port, { path: `/v1/jobs/${JOB_ID}`, headers: HEADERS, agent: other }),
    ]
    for (const reply of replies) {
      expect(reply).toMatchObject({ status: 503, json: { code: 'draining' } })
      expect(reply.headers).toMatchObject({ connection: 'close', 'retry-after': '1' })
    }
    const last = next.submissions[2]
    last?.settle(acceptance(last))
    expect(await pending).toMatchObject({ status: 202 })
    await drained
    expect(next.submissions).toHaveLength(3)
  })

  test('lets its last answer out before it resolves', async () => {
    const { ingress, port } = startIngress()
    const client = new RawClient(port)
    client.send('POST /v1/jobs HTTP/1.1\r\nHost: x\r\nX-Api-Key: key-of-acme\r\nContent-Length: 2\r\n\r\n{')
    await until(() => ingress.stats.http.bytesIn === 1, 'the first half')
    const closed = ingress.drain().then(() => ingress.close())
    client.send('!')
    await closed
    await client.receives('"invalid-json"')
  })

  test('waits for what it handed on, also when the client is gone', async () => {
    const { ingress, port, next } = startIngress()
    next.verdict = () => 'later'
    const client = new RawClient(port)
    client.send(
      `POST /v1/jobs HTTP/1.1\r\nHost: x\r\nX-Api-Key: key-of-acme\r\nContent-Length: ${lead().length}\r\n\r\n${lead()}`,
    )
    const submission = await until(() => next.submissions[0], 'the submission')
    client.destroy()
    await until(() => ingress.stats.http.aborted === 1, 'the abort')
    const drained = ingress.drain()
    const watched = watch(drained)
    await new Promise(setImmediate)
    await new Promise(setImmediate)
    expect(watched.done).toBe(false)
    submission.settle(acceptance(submission))
    await drained
  })
})

test('an ingress that is closed drops the answers it owes; verdicts that come later harm nothing', async () => {
  const { ingress, next, post } = startIngress()
  next.verdict = () => 'later'
  const pending = expect(post(lead())).rejects.toThrow()
  const submission = await until(() => next.submissions[0], 'the submission')
  ingress.close()
  ingress.close()
  await pending
  submission.settle(acceptance(submission))
  expect(ingress.stats).toMatchObject({ requestsInFlight: 0, jobs: { accepted: 1 }, http: { answers: {} } })
})

test('an ingress says so when its port is taken', () => {
  const { port } = startIngress()
  const { ingress } = startIngress()
  expect(() => ingress.listen({ host: '127.0.0.1', port })).toThrow(`cannot listen on 127.0.0.1:${port}`)
})

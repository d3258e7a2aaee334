import { gzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import { UpstreamError } from '../../../runtime/handler/context.ts'
import { readJson } from '../../../runtime/handler/read-json.ts'
import { until } from '../../support/until.ts'
import { httpServer } from './http-server.ts'

const upstream = { name: 'crm' }

async function failureOf(work: Promise<unknown>): Promise<UpstreamError> {
  const error = await work.then(
    () => undefined,
    (thrown) => thrown,
  )
  expect(error).toBeInstanceOf(UpstreamError)
  return error as UpstreamError
}

const answering = (status: number, body: string, headers: Record<string, string> = {}) =>
  httpServer((_, response) => response.writeHead(status, headers).end(body))

it('the JSON of a 2xx answer is returned', async () => {
  const url = await answering(201, '{"id":"ü"}')
  expect(await readJson(upstream, await fetch(url))).toEqual({ id: 'ü' })
})

it.each([408, 429, 500, 502, 503, 504])(
  'status %i can be retried, after the time it asks for',
  async (status) => {
    const url = await answering(status, 'try later', { 'retry-after': '3' })
    const error = await failureOf(readJson(upstream, await fetch(url)))
    expect(error).toMatchObject({ upstream: 'crm', retryable: true, retryAfterMs: 3_000 })
    expect(error.message).toBe(`crm: answered ${status}: try later`)
  },
)

it.each([400, 401, 403, 404, 409, 422])('status %i is final', async (status) => {
  const url = await answering(status, '', { 'retry-after': '3' })
  const error = await failureOf(readJson(upstream, await fetch(url)))
  expect(error).toMatchObject({
    retryable: false,
    retryAfterMs: undefined,
    message: `crm: answered ${status}`,
  })
})

it('a redirect that is not followed is final', async () => {
  const url = await answering(302, '', { location: 'http://127.0.0.1:1/' })
  const error = await failureOf(readJson(upstream, await fetch(url, { redirect: 'manual' })))
  expect(error.retryable).toBe(false)
})

it('of the body of a refusal only the beginning is kept', async () => {
  const url = await answering(400, 'x'.repeat(1_000_000))
  const error = await failureOf(readJson(upstream, await fetch(url)))
  expect(error.message.length).toBeLessThan(600)
})

it.each(['', '{"cut', '<html>', '\uFEFF'])('a body that is no JSON is an UpstreamError: %j', async (body) => {
  const error = await failureOf(readJson(upstream, await fetch(await answering(200, body))))
  expect(error).toMatchObject({ retryable: true, message: 'crm: answered 200 with a body that is not JSON' })
})

it('a body that is no UTF-8 is an UpstreamError', async () => {
  const url = await httpServer((_, response) => response.end(Buffer.from([0x22, 0xff, 0x22])))
  await failureOf(readJson(upstream, await fetch(url)))
})

it('an endless body is cut at the cap, and its connection closed', async () => {
  let closed = false
  const url = await httpServer((request, response) => {
    const pump = () => {
      while (response.write(Buffer.alloc(16_384, 'x')));
    }
    response.on('drain', pump)
    request.socket.on('close', () => {
      closed = true
    })
    pump()
  })
  const error = await failureOf(readJson(upstream, await fetch(url), { bytesMax: 100_000 }))
  expect(error.message).toBe('crm: answered with more than 100000 bytes')
  await until(() => closed, 'the server sees its connection closed')
})

it('a small body that unpacks to a large one is cut at the cap', async () => {
  const url = await httpServer((_, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync(Buffer.alloc(10_000_000, 'x'))),
  )
  const error = await failureOf(readJson(upstream, await fetch(url)))
  expect(error.message).toBe('crm: answered with more than 1048576 bytes')
})

it('a body of exactly the cap is accepted', async () => {
  const body = JSON.stringify('x'.repeat(998))
  expect(await readJson(upstream, await fetch(await answering(200, body)), { bytesMax: 1_000 })).toHaveLength(
    998,
  )
})

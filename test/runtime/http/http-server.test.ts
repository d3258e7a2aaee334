import { pino } from 'pino'
import { describe, expect, onTestFinished, test } from 'vitest'
import { BOUNDS } from '../../../runtime/config/bounds.ts'
import type { Exchange } from '../../../runtime/http/exchange.ts'
import { HttpServer, type Route } from '../../../runtime/http/http-server.ts'
import { call, keepAlive, RawClient } from '../../support/http-client.ts'
import { until } from '../../support/until.ts'

const TEXT = [['content-type', 'text/plain']] as const
const BYTES_MAX = 1_000

/** What became of each body that a route asked for. */
type Log = string[]

function start(more: Route[] = []) {
  const log: Log = []
  const logged: string[] = []
  const logger = pino({ base: null, timestamp: false }, { write: (line: string) => logged.push(line) })
  const echo: Route = {
    method: 'POST',
    path: '/echo',
    handle: (exchange) =>
      exchange.receive(BYTES_MAX, {
        onBody: (body) => {
          log.push(`body of ${body.length}`)
          exchange.respond(200, TEXT, body.toString())
        },
        onLost: () => log.push('lost'),
      }),
  }
  const hello: Route = {
    method: 'GET',
    path: '/hello/:name',
    handle: (exchange) => exchange.respond(200, TEXT, exchange.parameter(0)),
  }
  const server = new HttpServer([echo, hello, ...more], logger)
  const port = server.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => server.cut())
  return { server, port, log, logged }
}

const get = (path: string, handle: Route['handle']): Route => ({ method: 'GET', path, handle })

describe('an answer', () => {
  test('carries the trace that the request is part of, or a new one', async () => {
    const { port } = start()
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    const continued = await call(port, { path: '/hello/ada', headers: { traceparent } })
    expect(continued).toMatchObject({ status: 200, text: 'ada' })
    expect(continued.headers['x-trace-id']).toBe('0af7651916cd43dd8448eb211c80319c')
    const started = await call(port, {
      path: '/hello/ada',
      headers: { traceparent: `${traceparent}-nonsense` },
    })
    expect(started.headers['x-trace-id']).toMatch(/^(?!0af7)[0-9a-f]{32}$/)
  })

  test('is 404 where there is nothing and 405 with Allow for another method', async () => {
    const { port, server } = start([{ method: 'POST', path: '/hello/:name', handle: () => {} }])
    const nothing = await call(port, { path: '/nothing?x=1' })
    expect(nothing).toMatchObject({ status: 404, json: { code: 'not-found', detail: 'GET /nothing' } })
    expect(nothing.json.traceId).toBe(nothing.headers['x-trace-id'])
    const wrong = await call(port, { method: 'DELETE', path: '/hello/ada' })
    expect(wrong).toMatchObject({ status: 405, json: { code: 'method-not-allowed' } })
    expect(wrong.headers.allow).toBe('GET, HEAD, POST')
    expect(server.stats).toMatchObject({
      requests: { other: 2, 'POST /echo': 0 },
      answers: { 404: 1, 405: 1 },
      problems: { 'not-found': 1, 'method-not-allowed': 1, draining: 0 },
    })
  })

  test('to HEAD is that to GET without its body, on a connection that goes on', async () => {
    const { port } = start()
    const client = new RawClient(port)
    client.send('HEAD /hello/ada HTTP/1.1\r\nHost: x\r\n\r\n')
    const head = await client.receives('\r\n\r\n')
    expect(head).toMatch(/^HTTP\/1.1 200 OK\r\n.*content-length: 3\r\n/s)
    client.send('HEAD /nothing HTTP/1.1\r\nHost: x\r\n\r\nGET /hello/bob HTTP/1.1\r\nHost: x\r\n\r\n')
    const rest = (await client.receives('bob')).slice(head.length)
    expect(rest).toMatch(/^HTTP\/1.1 404 .*\r\n\r\nHTTP\/1.1 200 OK\r\n.*\r\n\r\nbob$/s)
    expect(head).toMatch(/\r\n\r\n$/)
  })

  test('is 500, and the error is logged, when a handler throws, rejects, or throws on its body', async () => {
    const boom = new Error('boom')
    const lost: Log = []
    const receiver = {
      onBody: () => {
        throw boom
      },
      onLost: () => lost.push('lost'),
    }
    const { port, logged } = start([
      get('/throws', () => {
        throw boom
      }),
      get('/rejects', async () => {
        await Promise.resolve()
        throw boom
      }),
      { method: 'POST', path: '/throws-late', handle: (exchange) => exchange.receive(BYTES_MAX, receiver) },
    ])
    for (const request of [
      { path: '/throws' },
      { path: '/rejects' },
      { method: 'POST', path: '/throws-late', body: 'x' },
    ])
      expect(await call(port, request)).toMatchObject({ status: 500, json: { code: 'internal-error' } })
    expect(logged).toHaveLength(3)
    expect(logged[2]).toMatch(/boom.*"route":"POST \/throws-late".*"traceId":"[0-9a-f]{32}"/)
    expect(lost).toEqual(['lost'])
  })

  test('is given once: what comes later changes nothing', async () => {
    const { port, server } = start([
      get('/twice', (exchange) => {
        exchange.respond(200, TEXT, 'first')
        exchange.respond(200, TEXT, 'second')
        exchange.refuse({ code: 'internal-error' })
      }),
    ])
    expect(await call(port, { path: '/twice' })).toMatchObject({ status: 200, text: 'first' })
    expect(server.stats).toMatchObject({ answers: { 200: 1 }, problems: { 'internal-error': 0 } })
  })
})

describe('a request', () => {
  test('can be read until its handler returns, and not after', async () => {
    const { port } = start([
      get('/late', async (exchange) => {
        const early = exchange.header('x-a')
        await Promise.resolve()
        try {
          exchange.header('x-a')
        } catch (error) {
          exchange.respond(200, TEXT, `${early}, then ${(error as Error).message}`)
        }
      }),
    ])
    const reply = await call(port, { path: '/late', headers: { 'x-a': 'b' } })
    expect(reply.text).toBe('b, then GET /late: a request is read before its handler returns')
  })

  test('whose client goes away while it waits is answered into nothing', async () => {
    const waiting: Exchange[] = []
    const { port, server } = start([get('/wait', (exchange) => void waiting.push(exchange))])
    const client = new RawClient(port)
    client.send('GET /wait HTTP/1.1\r\nHost: x\r\n\r\n')
    const exchange = await until(() => waiting[0], 'the request')
    client.destroy()
    await until(() => server.stats.aborted === 1, 'the abort')
    exchange.respond(200, TEXT, 'too late')
    exchange.fail(new Error('too late'))
    expect(server.stats.answers).toEqual({})
  })
})

describe('a body', () => {
  test('comes whole, however it is cut into pieces', async () => {
    const { port, log } = start()
    const client = new RawClient(port)
    client.send('POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
    for (const piece of ['a', 'bc', 'd'.repeat(300), 'e'])
      client.send(`${piece.length.toString(16)}\r\n${piece}\r\n`)
    client.send('0\r\n\r\n')
    await client.receives(`abc${'d'.repeat(300)}e`)
    expect(log).toEqual(['body of 304'])
  })

  test('may come slowly', async () => {
    const { port, server } = start()
    const client = new RawClient(port)
    client.send('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nslow')
    await until(() => server.stats.bytesIn === 4, 'the first half')
    expect(await call(port, { path: '/hello/meanwhile' })).toMatchObject({ status: 200 })
    client.send('-body')
    await client.receives('slow-body')
  })

  test('may be as large as is allowed, and absent', async () => {
    const { port } = start()
    const full = 'x'.repeat(BYTES_MAX)
    expect(await call(port, { method: 'POST', path: '/echo', body: full })).toMatchObject({
      status: 200,
      text: full,
    })
    expect(await call(port, { method: 'POST', path: '/echo' })).toMatchObject({ status: 200, text: '' })
  })

  test('that is declared too large is refused before it is sent; what comes is thrown away, and the connection lives on', async () => {
    const { port, log, server } = start()
    const client = new RawClient(port)
    client.send(`POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: ${BYTES_MAX + 1}\r\n\r\n`)
    expect(await client.receives('"body-too-large"')).not.toMatch(/connection: close/i)
    client.send('x'.repeat(BYTES_MAX + 1))
    client.send('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nsmall')
    expect(await client.receives('small')).toMatch(/HTTP\/1.1 200 /)
    expect(log).toEqual(['lost', 'body of 5'])
    expect(server.stats.bytesIn).toBe(5)
  })

  test('that is declared far too large ends its connection', async () => {
    const { port, log, server } = start()
    const client = new RawClient(port)
    const bytes = BOUNDS.http.skippedBodyBytesMax + 1
    client.send(`POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: ${bytes}\r\n\r\n`)
    expect(await client.receives('"body-too-large"')).toMatch(/^HTTP\/1.1 413 .*Connection: close/s)
    expect(log).toEqual(['lost'])
    expect(server.stats.bytesIn).toBe(0)
  })

  test('that turns out too large is refused at once, and the rest of it is not read', async () => {
    const { port, log } = start()
    const client = new RawClient(port)
    client.send('POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
    client.send(`${(BYTES_MAX + 1).toString(16)}\r\n${'x'.repeat(BYTES_MAX + 1)}\r\n`)
    expect(await client.receives('"body-too-large"')).toMatch(/^HTTP\/1.1 413 .*Connection: close/s)
    client.send('5\r\nmore!\r\n0\r\n\r\n')
    expect(log).toEqual(['lost'])
    expect(await call(port, { path: '/hello/ada' })).toMatchObject({ status: 200 })
  })

  test('whose client goes away in the middle is lost', async () => {
    const { port, log, server } = start()
    const client = new RawClient(port)
    client.send('POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nslow')
    await until(() => server.stats.bytesIn === 4, 'the first half')
    client.destroy()
    await until(() => log.length > 0, 'the loss')
    expect(log).toEqual(['lost'])
    expect(server.stats).toMatchObject({ aborted: 1, answers: {} })
  })

  test('that nobody reads keeps its connection when it is small, and closes it when its length is unknown', async () => {
    const { port } = start([
      {
        method: 'POST',
        path: '/refuse',
        handle: (exchange) => exchange.refuse({ code: 'quota-exceeded', retryAfterS: 2.1 }),
      },
    ])
    const small = new RawClient(port)
    small.send('POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nab')
    expect(await small.receives('quota-exceeded')).toContain('retry-after: 3\r\n')
    small.send('cdeGET /hello/again HTTP/1.1\r\nHost: x\r\n\r\n')
    await small.receives('\r\n\r\nagain')
    const endless = new RawClient(port)
    endless.send('POST /refuse HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
    expect(await endless.receives('quota-exceeded')).toContain('Connection: close')
  })
})

describe('a server', () => {
  test('says so when its port is taken', async () => {
    const { port } = start()
    const second = new HttpServer([], pino({ level: 'silent' }))
    expect(() => second.listen({ host: '127.0.0.1', port })).toThrow(`cannot listen on 127.0.0.1:${port}`)
  })

  test('that is closed finishes what its connections ask, closes each, and takes no new one', async () => {
    const waiting: Exchange[] = []
    const { port, server } = start([get('/wait', (exchange) => void waiting.push(exchange))])
    const agent = keepAlive()
    expect((await call(port, { path: '/hello/ada', agent })).headers.connection).not.toBe('close')
    const pending = call(port, { path: '/wait', agent })
    const exchange = await until(() => waiting[0], 'the request')
    server.close()
    server.close()
    await expect(call(port, { path: '/hello/new' })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
    exchange.respond(200, TEXT, 'still')
    const reply = await pending
    expect(reply.text).toBe('still')
    expect(reply.headers.connection).toBe('close')
  })

  test('that is cut closes its connections at once', async () => {
    const waiting: Exchange[] = []
    const { port, server } = start([get('/wait', (exchange) => void waiting.push(exchange))])
    const pending = expect(call(port, { path: '/wait' })).rejects.toThrow()
    await until(() => waiting[0], 'the request')
    server.cut()
    server.cut()
    await pending
    expect(server.stats.aborted).toBe(1)
  })
})

test('a port is had by one server only, also when both asked for it by number', () => {
  const free = new HttpServer([], pino({ level: 'silent' }))
  const port = free.listen({ host: '127.0.0.1', port: 0 })
  free.cut()
  const first = new HttpServer([], pino({ level: 'silent' }))
  first.listen({ host: '127.0.0.1', port })
  onTestFinished(() => first.cut())
  const second = new HttpServer([], pino({ level: 'silent' }))
  expect(() => second.listen({ host: '127.0.0.1', port })).toThrow(`cannot listen on 127.0.0.1:${port}`)
})

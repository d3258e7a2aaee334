import fc from 'fast-check'
import { expect, it } from 'vitest'
import { UpstreamError } from '../../../runtime/handler/context.ts'
import { readEvents } from '../../../runtime/handler/read-events.ts'
import { until } from '../../support/until.ts'
import { httpServer } from './http-server.ts'

const upstream = { name: 'chat' }

/** A response whose body comes in exactly these pieces. */
function eventStream(pieces: readonly (string | Uint8Array)[], type = 'text/event-stream'): Response {
  const encoder = new TextEncoder()
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces)
        controller.enqueue(typeof piece === 'string' ? encoder.encode(piece) : piece)
      controller.close()
    },
  })
  return new Response(body, { headers: { 'content-type': type } })
}

const eventsOf = (response: Response, options = {}): Promise<string[]> =>
  Array.fromAsync(readEvents(upstream, response, options))

it('data lines become events; comments and other fields are skipped', async () => {
  const text = ': hello\nevent: x\nid: 1\ndata: one\n\ndata:two\ndata:  three\n\nretry: 5\n\ndata\n\n'
  expect(await eventsOf(eventStream([text]))).toEqual(['one', 'two\n three', ''])
})

it('an event that the end cuts off is dropped', async () => {
  expect(await eventsOf(eventStream(['data: one\n\ndata: two\n']))).toEqual(['one'])
})

const line = fc
  .string({ unit: 'binary', maxLength: 8 })
  .map((text) => text.replace(/[\r\n]/g, '').toWellFormed())
const events = fc.array(fc.array(line, { minLength: 1, maxLength: 3 }), { maxLength: 4 })

it('lines end with LF, CR or CRLF, and the bytes may be cut anywhere', async () => {
  await fc.assert(
    fc.asyncProperty(
      events,
      fc.constantFrom('\n', '\r', '\r\n'),
      fc.array(fc.nat(100), { maxLength: 20 }),
      async (sent, lineEnd, cuts) => {
        const textOf = (lines: string[]) => lines.map((text) => `data: ${text}${lineEnd}`).join('')
        const bytes = Buffer.from(sent.map((lines) => textOf(lines) + lineEnd).join(''))
        const at = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length]
        const pieces = at.slice(1).map((end, i) => bytes.subarray(at[i], end))
        expect(await eventsOf(eventStream(pieces))).toEqual(sent.map((lines) => lines.join('\n')))
      },
    ),
  )
})

it('a CRLF that is cut in two ends one line, not two', async () => {
  const pieces = ['data: one\r', '\ndata: two\r', '', '\n\r\n']
  expect(await eventsOf(eventStream(pieces))).toEqual(['one\ntwo'])
})

it('a long line that comes in tiny pieces is one event', async () => {
  const pieces = ['data: ', ...Array.from({ length: 5_000 }, () => 'abcd'), '\n\n']
  expect(await eventsOf(eventStream(pieces))).toEqual(['abcd'.repeat(5_000)])
})

it('an endless stream is cut at the cap', async () => {
  const url = await httpServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const pump = () => {
      while (response.write(`: ${'x'.repeat(1_000)}\n`));
    }
    response.on('drain', pump)
    pump()
  })
  await expect(eventsOf(await fetch(url), { bytesMax: 50_000 })).rejects.toThrow(
    'chat: answered with more than 50000 bytes',
  )
})

it('breaking off closes the connection', async () => {
  let closed = false
  const url = await httpServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: one\n\n')
    response.on('close', () => {
      closed = true
    })
  })
  for await (const event of readEvents(upstream, await fetch(url))) {
    expect(event).toBe('one')
    break
  }
  await until(() => closed, 'the server sees its connection closed')
})

it('another content type or status is an UpstreamError', async () => {
  await expect(eventsOf(eventStream(['{}'], 'application/json'))).rejects.toThrow(UpstreamError)
  const refused = new Response('busy', { status: 503, headers: { 'retry-after': '1' } })
  await expect(eventsOf(refused)).rejects.toMatchObject({ retryable: true, retryAfterMs: 1_000 })
})

import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { getRequest } from '../../../bench/load/connection.ts'
import { type LoopVerdict, openLoop } from '../../../bench/load/open-loop.ts'

/** A server that does with each request as a test says; requests come whole. */
async function serve(onRequest: (socket: Socket) => void): Promise<{ port: number; server: Server }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('data', () => onRequest(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as { port: number }).port, server }
}

const answer = (head = ''): string => `HTTP/1.1 202 Accepted\r\n${head}content-length: 2\r\n\r\nok`
const request = getRequest('/', 'key')

/** `count` requests at 1,000 a second. */
function run(port: number, count: number, connections: number, queueMax = 100) {
  const verdicts = new Map<number, LoopVerdict>()
  let n = 0
  const finished = openLoop<number>({
    port,
    connections,
    ratePerSecond: 1_000,
    durationMs: 10_000,
    queueMax,
    next: () => (n < count ? { job: n++, request } : undefined),
    onVerdict: (job, verdict) => verdicts.set(job, verdict),
  })
  return { verdicts, finished }
}

test('each request is sent at its time and gets its verdict', async () => {
  const { port } = await serve((socket) => socket.write(answer()))
  const { verdicts, finished } = run(port, 20, 4)
  expect(await finished).toMatchObject({ arrived: 20, answered: 20, unanswered: 0, unsent: 0 })
  expect([...verdicts.values()].every((verdict) => verdict.kind === 'answered')).toBe(true)
})

test('latency counts from the intended time: who waits behind a slow answer is as late as it is', async () => {
  const waiting: Socket[] = []
  const all = Promise.withResolvers<void>()
  const { port } = await serve((socket) => {
    // The first answer waits for the others' time to come; one connection, so they wait behind it.
    if (waiting.push(socket) === 1) setTimeout(() => socket.write(answer()), 100)
    else socket.write(answer())
    if (waiting.length === 10) all.resolve()
  })
  const { verdicts, finished } = run(port, 10, 1)
  const result = await finished
  await all.promise
  expect(result).toMatchObject({ answered: 10, queued: 9 })
  const last = verdicts.get(9)
  expect(last?.kind === 'answered' && last.latencyMs).toBeGreaterThan(80)
})

test('a full queue leaves requests unsent; nothing waits without bound', async () => {
  const held: Socket[] = []
  const { port } = await serve((socket) => {
    held.push(socket)
    if (held.length === 1) setTimeout(() => socket.write(answer()), 100)
    else socket.write(answer())
  })
  const { finished } = run(port, 20, 1, 5)
  const { answered, unsent } = await finished
  expect(answered + unsent).toBe(20)
  expect(unsent).toBeGreaterThan(0)
  expect(answered).toBeGreaterThanOrEqual(6)
})

test('a connection that closes before, or within, an answer leaves its request without one, and is opened again', async () => {
  let requests = 0
  const { port } = await serve((socket) => {
    const n = requests++
    if (n === 0) socket.destroy()
    else if (n === 1) socket.end(answer().slice(0, 30))
    else socket.write(answer())
  })
  const { verdicts, finished } = run(port, 5, 1)
  expect(await finished).toMatchObject({ answered: 3, unanswered: 2 })
  expect(verdicts.get(0)).toMatchObject({ kind: 'unanswered', why: 'closed' })
  expect(verdicts.get(1)).toMatchObject({ kind: 'unanswered', why: 'cut' })
})

test('after an answer that says so the connection is used no more', async () => {
  const used = new Map<Socket, number>()
  const { port } = await serve((socket) => {
    used.set(socket, (used.get(socket) ?? 0) + 1)
    socket.write(answer('connection: close\r\n'))
  })
  const { finished } = run(port, 5, 1)
  expect(await finished).toMatchObject({ answered: 5 })
  expect([...used.values()]).toEqual([1, 1, 1, 1, 1])
})

test('it ends when the server is gone for good', async () => {
  const { port, server } = await serve((socket) => {
    server.close()
    socket.destroy()
  })
  const { verdicts, finished } = run(port, 50, 1)
  expect(await finished).toMatchObject({ answered: 0, unanswered: 1 })
  expect(verdicts.get(0)).toMatchObject({ why: 'closed' })
})

test('after an abort it waits for what was sent, but not for good', async () => {
  const over = new AbortController()
  const { port } = await serve(() => over.abort())
  const verdicts: LoopVerdict[] = []
  const result = await openLoop({
    port,
    connections: 1,
    ratePerSecond: 1_000,
    durationMs: Number.POSITIVE_INFINITY,
    queueMax: 100,
    signal: over.signal,
    graceMs: 50,
    next: () => ({ job: 0, request }),
    onVerdict: (_, verdict) => verdicts.push(verdict),
  })
  expect(result.unanswered).toBe(1)
  expect(verdicts[0]).toMatchObject({ kind: 'unanswered', why: 'late' })
})

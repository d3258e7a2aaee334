import { expect, onTestFinished, test } from 'vitest'
import { Operations } from '../../../actors/inspector/operations.ts'
import { KILLED } from '../../../runtime/actor/exit-reason.ts'
import type { RunningChild } from '../../../runtime/supervision/child-spec.ts'
import { call, type Reply } from '../../support/http-client.ts'
import { silentLog } from '../../support/test-system.ts'

const THREAD = '/node/pools/pool-a/threads/thread-1'
const ACTOR = '/node/absorber/acceptor'
const TREE = {
  children: [
    {
      path: '/node/absorber',
      status: 'running',
      children: [{ path: ACTOR, status: 'running', incarnation: 2 }],
    },
    { path: THREAD, status: 'running', incarnation: 7 },
    { path: '/node/drain', status: 'restarting', incarnation: 1 },
  ],
}

/** An operations port, and what was done to the two children that run. */
function startOperations({ isEnabled = true } = {}) {
  const done: string[] = []
  const child = (name: string, ways: readonly string[]): RunningChild => ({
    exited: Promise.resolve(KILLED),
    kill: () => done.push(`${name} kill`),
    stop: () => done.push(`${name} stop`),
    crash: (how) => ways.includes(how) && done.push(`${name} ${how}`) > 0,
  })
  const running = new Map([
    [THREAD, child('thread', ['exception', 'busy-loop', 'heap', 'exit'])],
    [ACTOR, child('actor', ['exception'])],
  ])
  const operations = new Operations(
    {
      missing: () => [],
      inspect: () => TREE,
      metrics: { contentType: 'text/plain', render: async () => '' },
      kill: { isEnabled, find: (path) => running.get(path), tree: () => TREE },
    },
    silentLog,
  )
  const port = operations.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => operations.close())
  const kill = (body: unknown, headers: Record<string, string> = {}): Promise<Reply> =>
    call(port, {
      method: 'POST',
      path: '/inspect/kill',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  return { kill, done, port }
}

test.each(['kill', 'stop', 'exception', 'busy-loop', 'heap', 'exit'])(
  'a thread suffers %s, and the answer names its incarnation',
  async (how) => {
    const { kill, done } = startOperations()
    const reply = await kill({ path: THREAD, how })
    expect(reply).toMatchObject({ status: 200, json: { path: THREAD, how, incarnation: 7 } })
    expect(done).toEqual([`thread ${how}`])
  },
)

test.each<[string, unknown, number, string, RegExp]>([
  ['no JSON', '{', 400, 'invalid-json', /JSON/],
  ['no object', '[]', 400, 'invalid-kill', /send an object/],
  ['an unknown member', { path: THREAD, how: 'kill', pool: 'a' }, 400, 'invalid-kill', /"pool" is not known/],
  ['no path', { how: 'kill' }, 400, 'invalid-kill', /path must be/],
  ['no way', { path: THREAD }, 400, 'invalid-kill', /how must be one of kill, stop, exception, busy-loop/],
  ['an unknown way', { path: THREAD, how: 'drown' }, 400, 'invalid-kill', /how must be one of/],
  [
    'a path that is near to one',
    { path: `${ACTOR}s`, how: 'kill' },
    404,
    'actor-not-running',
    /did you mean \/node\/absorber\/acceptor/,
  ],
  [
    'a path that is near to none',
    { path: 'x', how: 'kill' },
    404,
    'actor-not-running',
    /there are \/node\/absorber, /,
  ],
  [
    'an actor that is restarting',
    { path: '/node/drain', how: 'kill' },
    404,
    'actor-not-running',
    /drain is restarting/,
  ],
  [
    'a way that an actor does not know',
    { path: ACTOR, how: 'heap' },
    409,
    'cannot-end-so',
    /acceptor cannot suffer heap: threads take/,
  ],
  ['a body that is too large', JSON.stringify({ path: 'x'.repeat(5_000) }), 413, 'body-too-large', /4096/],
])('%s is refused, and nothing ends', async (_, body, status, code, detail) => {
  const { kill, done } = startOperations()
  const reply = await kill(body)
  expect(reply).toMatchObject({ status, json: { code, detail: expect.stringMatching(detail) } })
  expect(reply.headers['content-type']).toBe('application/problem+json')
  expect(done).toEqual([])
})

test('it is off unless the setting says so, and says which', async () => {
  const { kill, done } = startOperations({ isEnabled: false })
  const reply = await kill({ path: THREAD, how: 'kill' })
  expect(reply).toMatchObject({
    status: 403,
    json: { code: 'chaos-disabled', detail: expect.stringMatching(/chaos\.enabled/) },
  })
  expect(done).toEqual([])
})

test.each<[string, Record<string, string>, number]>([
  ['a name that resolves to this machine for a web page', { host: 'evil.example:7071' }, 421],
  ['a form', { 'content-type': 'application/x-www-form-urlencoded' }, 415],
  ['plain text', { 'content-type': 'text/plain' }, 415],
  ['no type', { 'content-type': '' }, 415],
])('what a web page could send is refused: %s', async (_, headers, status) => {
  const { kill, done } = startOperations()
  expect(await kill({ path: THREAD, how: 'kill' }, headers)).toMatchObject({ status })
  expect(done).toEqual([])
})

test.each(['localhost', 'localhost:7071', '127.0.0.1:7071', '[::1]:7071'])(
  'Host %s is this machine',
  async (host) => {
    const { kill } = startOperations()
    expect(await kill({ path: THREAD, how: 'kill' }, { host })).toMatchObject({ status: 200 })
  },
)

test('GET is refused', async () => {
  const { port } = startOperations()
  expect(await call(port, { path: '/inspect/kill' })).toMatchObject({
    status: 405,
    headers: { allow: 'POST' },
  })
})

import { expect, it } from 'vitest'
import { problemsOf } from './loading.ts'

it.each(['127.0.0.1', '127.8.8.8', '::1', 'localhost'])('development mode listens on %s', (host) => {
  expect(problemsOf({ argv: ['--host', host] })).toEqual([])
})

it.each(['0.0.0.0', '::', '10.0.0.1', '127.example.com'])(
  'development mode does not listen on %s',
  (host) => {
    expect(problemsOf({ argv: ['--host', host] })).toEqual([
      `auth.mode development lets every caller in, so http.host must be a loopback address, not ${host}; set auth.mode to keys or trusted-gateway (auth.mode: default; http.host: flag --host)`,
    ])
  },
)

it('trusted-gateway mode listens anywhere', () => {
  expect(problemsOf({ argv: ['--host', '0.0.0.0', '--auth-mode', 'trusted-gateway'] })).toEqual([])
})

it('keys mode needs a file of keys', () => {
  expect(problemsOf({ argv: ['--auth-mode', 'keys'] })).toEqual([
    'auth.mode keys needs auth.keysFile (auth.mode: flag --auth-mode; auth.keysFile: default)',
  ])
  expect(problemsOf({ argv: ['--auth-mode', 'keys', '--auth-keys-file', 'keys.json'] })).toEqual([])
})

it('chaos may be on where only this machine reaches the operations port', () => {
  expect(problemsOf({ argv: ['--chaos-enabled', 'true'] })).toEqual([])
  expect(problemsOf({ argv: ['--operations-host', '0.0.0.0'] })).toEqual([])
  expect(problemsOf({ argv: ['--chaos-enabled', 'true', '--operations-host', '0.0.0.0'] })).toEqual([
    'chaos.enabled lets every caller of the operations port end actors, so operations.host must be a loopback address, not 0.0.0.0 (chaos.enabled: flag --chaos-enabled; operations.host: flag --operations-host)',
  ])
})

it('the two ports differ, unless each takes a free one', () => {
  expect(problemsOf({ argv: ['--port', '7071'] })).toEqual([
    'operations.port and http.port are both 7071; give each its own (operations.port: default; http.port: flag --port)',
  ])
  expect(problemsOf({ argv: ['--port', '0', '--operations-port', '0'] })).toEqual([])
})

it.each([
  [['--http-batch-bytes-max', '1024'], 'http.bodyBytesMax 262144 is above http.batchBytesMax 1024'],
  [['--store-retention-days', '3'], 'store.retentionDays 3 does not outlast log.retentionHours 72'],
  [['--upstreams-chat-base-url', 'http://x'], 'upstreams.chat.model primary is known to the simulator only'],
])('%j is refused: %s', (argv, problem) => {
  const problems = problemsOf({ argv })
  expect(problems).toHaveLength(1)
  expect(problems[0]).toContain(problem)
})

it('a value that is refused by itself is not reported again in its relations', () => {
  expect(problemsOf({ argv: ['--http-batch-bytes-max', '1'] })).toHaveLength(1)
})

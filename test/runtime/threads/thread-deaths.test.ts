import { expect, test } from 'vitest'
import { echoThread } from '../../support/echo-thread.ts'
import { until } from '../../support/until.ts'

/** Each way in which a thread can end: the reason that its watchers learn, once, and what it had posted before. */
test.each([
  ['throw', { kind: 'error', error: { message: 'told to throw' } }],
  ['throw later', { kind: 'error', error: { message: 'told to throw later' } }],
  ['reject', { kind: 'error', error: { message: 'told to reject' } }],
  ['exit', { kind: 'thread', cause: 'exit' }],
  ['spin', { kind: 'thread', cause: 'unresponsive' }],
  ['block', { kind: 'thread', cause: 'unresponsive' }],
  ['grow an array', { kind: 'thread', cause: 'oom' }],
  ['grow a graph', { kind: 'thread', cause: 'oom' }],
  ['grow buffers', { kind: 'thread', cause: 'oom' }],
  ['grow buffers by and by', { kind: 'thread', cause: 'oom' }],
])(
  'a thread told to %s ends with the reason for it, and what it said before is heard',
  async (how, reason) => {
    const { ref, spec, messages, downs } = echoThread({ limits: {} })
    const running = await spec.start()
    ref.tell('before')
    ref.tell(how)
    expect(await running.exited).toMatchObject(reason)
    expect(messages[0]).toEqual({ echo: 'before', incarnation: 1 })
    expect(downs).toMatchObject([{ signal: 'DOWN', incarnation: 1, reason }])
    expect(ref.isRunning).toBe(false)
  },
)

test.each(['exception', 'busy-loop', 'heap', 'exit'] as const)(
  'chaos can make a thread suffer: %s',
  async (how) => {
    const { spec } = echoThread({ limits: {} })
    const running = await spec.start()
    expect(running.crash?.(how)).toBe(true)
    expect(await running.exited).toMatchObject(
      {
        exception: { kind: 'error', error: { message: 'chaos: an exception outside of any handler' } },
        'busy-loop': { kind: 'thread', cause: 'unresponsive' },
        heap: { kind: 'thread', cause: 'oom' },
        exit: { kind: 'thread', cause: 'exit' },
      }[how],
    )
    expect(running.crash?.(how)).toBe(false)
  },
)

test('V8 ends a thread at its hard limit when nobody watches over it: out of memory, too', async () => {
  const { ref, spec } = echoThread({ group: { heapMibMax: 48 } })
  const running = await spec.start()
  ref.tell('grow a graph')
  expect(await running.exited).toMatchObject({ kind: 'thread', cause: 'oom' })
})

test('a thread that exhausts its memory leaves the others of its group alone', async () => {
  const neighbour = echoThread()
  const { ref, spec } = echoThread({ beside: neighbour.group, limits: {} })
  const other = await neighbour.spec.start()
  const running = await spec.start()
  ref.tell('grow an array')
  await running.exited
  neighbour.ref.tell('still there?')
  await until(() => neighbour.messages.length > 0, 'its answer')
  other.kill()
  await other.exited
})

test('a worker that cannot even boot fails its start at once, not at its time-out', async () => {
  const { spec } = echoThread({ group: { heapMibMax: 4 } })
  await expect(spec.start()).rejects.toMatchObject({ reason: { kind: 'thread', cause: 'boot' } })
})

test('one that ends before it is up fails its start with the reason boot, and a later start succeeds', async () => {
  const args = { exitAtStart: true }
  const { spec, messages, ref } = echoThread({ args })
  await expect(spec.start()).rejects.toMatchObject({ reason: { kind: 'thread', cause: 'boot' } })
  args.exitAtStart = false
  const running = await spec.start()
  ref.tell('hello')
  await until(() => messages.length > 0, 'its answer')
  running.kill()
  expect(await running.exited).toEqual({ kind: 'killed' })
})

test('a thread that is not up in time fails its start with the reason boot', async () => {
  const { spec } = echoThread({ startTimeoutMs: 1 })
  await expect(spec.start()).rejects.toMatchObject({
    message: 'thread was not ready within 1 ms',
    reason: { kind: 'thread', cause: 'boot' },
  })
})

test('a start that is no longer wanted is cancelled', async () => {
  const { spec } = echoThread()
  const started = spec.start()
  spec.cancelStart?.('kill')
  await expect(started).rejects.toMatchObject({ reason: { kind: 'thread', cause: 'boot' } })
})

import { execFileSync } from 'node:child_process'
import type { ThreadModule } from '../../../runtime/threads/thread-module.ts'

/** A thread that does what its messages say: for tests of the kernel. */
const echo: ThreadModule<{ failStart?: boolean; exitAtStart?: boolean }> = (args, thread) => {
  if (args.failStart) throw new Error('told not to start')
  if (args.exitAtStart) process.exit(3)
  const kept: unknown[] = []
  let busy = 0
  return {
    receive: async (message) => {
      switch (message) {
        case 'throw':
          throw new Error('told to throw')
        case 'throw later':
          setTimeout(() => {
            throw new Error('told to throw later')
          })
          break
        case 'reject':
          void Promise.reject(new Error('told to reject'))
          break
        case 'spin':
          thread.post('spinning')
          for (;;);
        case 'block':
          thread.post('blocking')
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
          break
        case 'take a moment':
          await new Promise((wake) => setTimeout(wake, 10))
          thread.post('took a moment')
          break
        case 'work until told':
          thread.setBusy(++busy, 60_000)
          thread.post('working')
          break
        case 'finish':
          thread.setBusy(--busy, 60_000)
          thread.post('finished')
          break
        case 'compute many': {
          // Each within the limit of 200 ms, all of them in one turn.
          for (let n = 0; n < 8; n++) {
            thread.setBusy(1, 200)
            const until = performance.now() + 150
            while (performance.now() < until);
            thread.setBusy(0)
          }
          thread.post('computed')
          break
        }
        case 'compute once': {
          thread.setBusy(1, 500)
          thread.post('computing')
          // In slices: the time of a SIGSTOP takes the place of one of them.
          for (let slice = 0; slice < 7; slice++) {
            const until = performance.now() + 50
            while (performance.now() < until);
          }
          thread.post('computed')
          break
        }
        case 'one builtin':
          // As any that V8 cannot interrupt.
          execFileSync('sleep', ['4'])
          break
        case 'grow an array': {
          const array: number[] = []
          for (;;) array.push(array.length)
        }
        case 'grow a graph': {
          let graph: object = {}
          for (;;) graph = { left: graph, right: { n: 1 } }
        }
        case 'grow buffers':
          for (;;) kept.push({ buffer: Buffer.alloc(16 * 1_048_576, 1) })
        case 'grow buffers by and by':
          setInterval(() => kept.push({ buffer: Buffer.alloc(16 * 1_048_576, 1) }))
          break
        case 'chatter':
          for (;;) thread.post('chatter')
        case 'exit':
          thread.post('last words')
          process.exit(3)
          break
        default:
          thread.post({ echo: message, incarnation: thread.incarnation })
      }
    },
    terminate: () => thread.post('terminated'),
  }
}

export default echo

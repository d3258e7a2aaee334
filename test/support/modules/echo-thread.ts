import type { ThreadModule } from '../../../runtime/threads/thread-module.ts'

/** A thread that does what its messages say: for tests of the kernel. */
const echo: ThreadModule<{ failStart?: boolean }> = (args, thread) => {
  if (args.failStart) throw new Error('told not to start')
  return {
    receive: async (message) => {
      switch (message) {
        case 'throw':
          throw new Error('told to throw')
        case 'spin':
          thread.post('spinning')
          for (;;);
        case 'take a moment':
          await new Promise((wake) => setTimeout(wake, 10))
          thread.post('took a moment')
          break
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

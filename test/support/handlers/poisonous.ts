import { setImmediate } from 'node:timers/promises'
import { defineHandler, Type } from 'spillway'

/** Ends what it runs in, as it is told. */
const HARM: Readonly<Record<string, () => unknown>> = {
  throw: () =>
    new Promise(() => {
      setTimeout(() => {
        throw new Error('thrown out of a timer')
      }, 5)
    }),
  exit: () => process.exit(1),
  loop: () => {
    for (;;);
  },
  heap: async () => {
    const kept: number[][] = []
    for (;;) {
      kept.push(new Array<number>(1_000_000).fill(kept.length))
      await setImmediate()
    }
  },
  process: () => process.kill(process.pid, 'SIGKILL'),
}

export default defineHandler({
  kind: 'test.poison',
  pool: 'a',
  timeoutMs: 1_000,
  retry: { attemptsMax: 2, backoffMinMs: 10, backoffMaxMs: 50 },
  payload: Type.Object({ n: Type.Integer(), how: Type.String() }),
  handle: async ({ payload }) => {
    await HARM[payload.how]?.()
    return {}
  },
})

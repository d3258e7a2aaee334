import { setTimeout as wait } from 'node:timers/promises'
import { defineHandler, Type } from 'spillway'
import { fail } from './trouble/fail.ts'

/** Jobs that no attempt can help: each takes down what it runs on, in the way that it is told. */
export default defineHandler({
  kind: 'chaos.poison',
  pool: 'a',
  timeoutMs: 500,
  retry: { attemptsMax: 2, backoffMinMs: 10, backoffMaxMs: 100 },
  payload: Type.Object({ n: Type.Integer(), how: Type.String() }),

  async handle({ payload }) {
    fail(payload.how)
    // A throw out of a timer comes while the handler waits.
    await wait(10_000)
    throw new Error('it was to be dead by now')
  },
})

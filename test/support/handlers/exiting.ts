import { defineHandler, Type } from 'spillway'

/** Ends its thread, and everything that runs beside it there. */
export default defineHandler({
  kind: 'test.exiting',
  pool: 'a',
  timeoutMs: 5_000,
  retry: { attemptsMax: 2, backoffMinMs: 10, backoffMaxMs: 50 },
  payload: Type.Object({ n: Type.Integer() }),
  handle: () => process.exit(1),
})

import { defineHandler, Type } from 'spillway'

/** Takes its time, without using the CPU. */
export default defineHandler({
  kind: 'test.waiting',
  pool: 'a',
  timeoutMs: 5_000,
  payload: Type.Object({ n: Type.Integer(), ms: Type.Integer() }),
  handle: ({ payload }) =>
    new Promise((resolve) => setTimeout(() => resolve({ result: payload.n }), payload.ms)),
})

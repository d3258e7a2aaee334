import { defineHandler, Type } from 'spillway'

/** Takes ordering keys; fails its first attempts as told. Its result says when it ran. */
export default defineHandler({
  kind: 'test.keyed',
  pool: 'a',
  orderedTier: 'normal',
  timeoutMs: 5_000,
  retry: { attemptsMax: 4, backoffMinMs: 10, backoffMaxMs: 50 },
  payload: Type.Object({ n: Type.Integer(), failures: Type.Integer(), for: Type.String() }),
  handle({ payload }, ctx) {
    if (ctx.attempt <= payload.failures) throw new Error(`told to fail attempt ${ctx.attempt}`)
    return { result: { n: payload.n, startedAtMs: Date.now() } }
  },
})

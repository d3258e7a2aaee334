import { defineHandler, Type } from 'spillway'

/** Does a little more when there is time for it. */
export default defineHandler({
  kind: 'test.enriching',
  pool: 'a',
  timeoutMs: 5_000,
  payload: Type.Object({}),
  handle: async (_, ctx) => ({ result: await ctx.enrich('extra', () => 'more') }),
})

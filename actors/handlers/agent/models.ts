import { type HandlerContext, isUpstreamError, PermanentError, type UpstreamCall } from 'spillway'
import { type ChatAnswer, type ChatRequest, streamAnswer } from './chat.ts'

/**
 * Primary model, then fallback: what the primary cannot answer now (a retryable UpstreamError) the fallback is asked, and
 * from then on it alone, so that one run waits for a dead primary once. Names of the models come from the upstream's
 * settings `model` and `fallbackModel` (empty for none). Rejects with UpstreamError when there is no model left.
 */
export type Ask = (step: string, request: ChatRequest) => Promise<ChatAnswer>

export function askModels(ctx: HandlerContext): Ask {
  let primaryFailed: unknown
  return async (step, request) => {
    if (primaryFailed === undefined) {
      try {
        return await ctx.call('chat', step, (chat) => streamAnswer(chat, primaryModel(chat), request))
      } catch (error) {
        if (!isUpstreamError(error) || !error.retryable) throw error
        primaryFailed = error
        ctx.log.warn({ step, error: error.message }, 'the primary model failed; asking the fallback')
      }
    }
    return ctx.call('chat', `${step}.fallback`, (chat) => {
      const model = chat.settings.fallbackModel
      if (!model) throw primaryFailed
      return streamAnswer(chat, model, request)
    })
  }
}

export function primaryModel({ name, settings }: UpstreamCall): string {
  if (!settings.model) throw new PermanentError(`upstream ${name} has no setting named model`)
  return settings.model
}

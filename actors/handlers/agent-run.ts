import { defineHandler, defineTable, type HandlerContext, isUpstreamError, Type } from 'spillway'
import { wholeAnswer } from './agent/chat.ts'
import { cleanText } from './agent/clean-text.ts'
import { type Conversation, converse, type Task } from './agent/conversation.ts'
import { lookup } from './agent/lookup.ts'
import { askModels, primaryModel } from './agent/models.ts'

/**
 * Pool B: an agent that solves a task with a model and two local tools, over an OpenAI-compatible API. It degrades in
 * order: primary model, fallback model, a later attempt; and when the last attempt finds no model either, an answer from
 * the given context alone, marked `degraded`.
 */
const runs = defineTable({
  name: 'agent_runs',
  key: ['run_id'],
  columns: {
    run_id: 'text',
    task: 'text',
    answer: 'text',
    summary: 'text',
    model: 'text',
    degraded: 'boolean',
    stop: 'text',
    steps: 'integer',
    tokens: 'bigint',
  },
})

export default defineHandler({
  kind: 'agent.run',
  pool: 'b',
  timeoutMs: 120_000,
  retry: { attemptsMax: 4, backoffMinMs: 1_000, backoffMaxMs: 60_000 },
  payload: Type.Object(
    {
      task: Type.String({ minLength: 1, maxLength: 4_000 }),
      /** What the agent may look things up in. */
      context: Type.Optional(
        Type.Array(
          Type.Object(
            { title: Type.String({ maxLength: 200 }), text: Type.String({ maxLength: 20_000 }) },
            { additionalProperties: false },
          ),
          { maxItems: 20 },
        ),
      ),
      turnsMax: Type.Optional(Type.Integer({ minimum: 1, maximum: 10 })),
      tokensMax: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
    },
    { additionalProperties: false },
  ),
  tables: [runs],

  async handle({ id, payload }, ctx) {
    const { task, context: documents = [], turnsMax = 6, tokensMax = 8_000 } = payload
    const solved = await solve({ task, documents, turnsMax, tokensMax }, ctx)
    const summary = solved.degraded
      ? undefined
      : await ctx.enrich('summary', () => summarize(solved.answer, ctx))
    const { tools, ...columns } = solved
    return {
      result: { ...solved, summary },
      writes: [{ table: runs.name, row: { run_id: id, task, summary, ...columns } }],
    }
  },
})

const SUMMARY_CHARS_MAX = 500

type Solution = Omit<Conversation, 'stop' | 'model'> & {
  model: string | undefined
  stop: Conversation['stop'] | 'degraded'
  degraded: boolean
}

async function solve(task: Task, ctx: HandlerContext): Promise<Solution> {
  try {
    return { ...(await converse(task, askModels(ctx))), degraded: false }
  } catch (error) {
    if (!ctx.lastAttempt || !isUpstreamError(error) || !error.retryable) throw error
    ctx.log.warn({ error: error.message }, 'no model could be reached; answering from the context alone')
    const answer = contextAnswer(task)
    return { answer, model: undefined, steps: 0, tokens: 0, tools: [], stop: 'degraded', degraded: true }
  }
}

function contextAnswer({ task, documents }: Task): string {
  const passages = lookup(task, documents)
  if (passages.length === 0) return 'No model could be reached, and nothing in the context matches the task.'
  return `No model could be reached. These passages of the context match the task:\n\n${passages.join('\n\n')}`
}

/** Nice to have: a failure costs the summary, not the run. */
async function summarize(answer: string, ctx: HandlerContext): Promise<string | undefined> {
  const messages = [
    { role: 'system', content: 'Summarize the text of the user in one sentence.' },
    { role: 'user', content: answer },
  ] as const
  try {
    const { text } = await ctx.call('chat', 'summary', (chat) =>
      wholeAnswer(chat, primaryModel(chat), { messages, tokensMax: 100 }),
    )
    return cleanText(text, SUMMARY_CHARS_MAX)
  } catch (error) {
    ctx.log.warn({ error: String(error) }, 'left without a summary')
    return undefined
  }
}

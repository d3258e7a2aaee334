import type { ChatMessage, ToolCall } from './chat.ts'
import { cleanText } from './clean-text.ts'
import type { Document } from './lookup.ts'
import type { Ask } from './models.ts'
import { runTool, TOOLS } from './tools.ts'

/**
 * One run of the agent: a plan, then turns in which the model calls tools or answers. The last turn that the limits allow
 * must be an answer, so that a run always ends with one.
 *
 *     plan ─► act-1 ─► tools ─► act-2 ─► tools ─► … ─► answer
 */
export interface Task {
  task: string
  documents: readonly Document[]
  turnsMax: number
  /** Over all calls; one answer more may be spent on the final turn. */
  tokensMax: number
}

export interface Conversation {
  answer: string
  model: string
  /** Calls of the model. */
  steps: number
  tokens: number
  tools: ToolUse[]
  /** What ended it: the model, or a limit. */
  stop: 'answered' | 'turns' | 'tokens'
}

interface ToolUse {
  name: string
  arguments: string
  output: string
}

const PLAN_TOKENS_MAX = 200
const ANSWER_TOKENS_MAX = 1_024
const TOOL_USES_MAX = 16
const TOOL_OUTPUT_CHARS_MAX = 2_000
const TOOL_EXCERPT_CHARS_MAX = 200
const TOOL_NAME_CHARS_MAX = 64

export async function converse(task: Task, ask: Ask): Promise<Conversation> {
  const plan = await ask('plan', { messages: planPrompt(task), tokensMax: PLAN_TOKENS_MAX })
  const messages = actPrompt(task, plan.text)
  const tools: ToolUse[] = []
  let tokens = plan.tokens
  for (let turn = 1; ; turn++) {
    const limit = limitReached(task, turn, tokens, tools.length)
    const answer = await ask(`act-${turn}`, {
      messages,
      tools: TOOLS,
      toolChoice: limit === undefined ? 'auto' : 'none',
      tokensMax: ANSWER_TOKENS_MAX,
    })
    tokens += answer.tokens
    if (limit !== undefined || answer.toolCalls.length === 0) {
      const { text, model } = answer
      return { answer: text, model, steps: turn + 1, tokens, tools, stop: limit ?? 'answered' }
    }
    messages.push(assistantTurn(answer.text, answer.toolCalls))
    for (const call of answer.toolCalls) messages.push(useTool(call, task.documents, tools))
  }
}

function limitReached(
  task: Task,
  turn: number,
  tokens: number,
  toolUses: number,
): 'turns' | 'tokens' | undefined {
  if (tokens >= task.tokensMax) return 'tokens'
  return turn >= task.turnsMax || toolUses >= TOOL_USES_MAX ? 'turns' : undefined
}

function useTool(call: ToolCall, documents: readonly Document[], tools: ToolUse[]): ChatMessage {
  const output = runTool(call, documents).slice(0, TOOL_OUTPUT_CHARS_MAX)
  tools.push({
    name: cleanText(call.name, TOOL_NAME_CHARS_MAX),
    arguments: cleanText(call.arguments, TOOL_EXCERPT_CHARS_MAX),
    output: cleanText(output, TOOL_EXCERPT_CHARS_MAX),
  })
  return { role: 'tool', tool_call_id: call.id, content: output }
}

const assistantTurn = (text: string, toolCalls: readonly ToolCall[]): ChatMessage => ({
  role: 'assistant',
  content: text,
  tool_calls: toolCalls.map(({ id, name, arguments: json }) => ({
    id,
    type: 'function',
    function: { name, arguments: json },
  })),
})

const planPrompt = ({ task }: Task): ChatMessage[] => [
  {
    role: 'system',
    content: 'Write a short plan, at most three steps, for how to solve the task of the user.',
  },
  { role: 'user', content: task },
]

const actPrompt = ({ task, documents }: Task, plan: string): ChatMessage[] => [
  {
    role: 'system',
    content:
      'Solve the task of the user by this plan. Look up what the context says and calculate with the tools; do not ' +
      `guess. When you know the answer, write it without calling a tool.\nPlan:\n${plan}`,
  },
  {
    role: 'user',
    content: `${task}\n\nContext: ${documents.map(({ title }) => title).join(', ') || 'none'}`,
  },
]

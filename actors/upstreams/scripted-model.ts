/**
 * The "model" behind the chat simulator: deterministic, and just able enough to drive an agent. With tools on offer it
 * first looks the task up, then calculates if the task contains an expression, one call a turn; then it answers with
 * what the tools said. Without tools it answers at once.
 */
export interface ModelRequest {
  messages: readonly ModelMessage[]
  /** Names of the tools on offer; empty with `tool_choice: "none"`. */
  tools: readonly string[]
}

export interface ModelMessage {
  role: string
  content: string
}

export type ModelReply = { text: string } | { tool: string; arguments: string }

const EXPRESSION = /\d+(?:\.\d+)?(?:\s*[-+*/%^]\s*\d+(?:\.\d+)?)+/
const ECHO_CHARS_MAX = 120

export function reply({ messages, tools }: ModelRequest): ModelReply {
  const task = messages.findLast(({ role }) => role === 'user')?.content ?? ''
  const outputs = messages.filter(({ role }) => role === 'tool').map(({ content }) => content)
  const next = callsFor(task).filter(({ tool }) => tools.includes(tool))[outputs.length]
  if (next !== undefined) return next
  if (outputs.length > 0) return { text: `The tools say: ${outputs.join('; ')}` }
  return { text: `First look it up, then calculate, then answer: ${task.slice(0, ECHO_CHARS_MAX)}` }
}

function callsFor(task: string): { tool: string; arguments: string }[] {
  const calls = [{ tool: 'lookup', arguments: JSON.stringify({ query: task.slice(0, ECHO_CHARS_MAX) }) }]
  const expression = EXPRESSION.exec(task)?.[0]
  if (expression !== undefined) calls.push({ tool: 'calculator', arguments: JSON.stringify({ expression }) })
  return calls
}

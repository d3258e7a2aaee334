import { calculate } from './calculator.ts'
import type { ToolCall } from './chat.ts'
import { type Document, lookup } from './lookup.ts'

/** The tools a model may call. Both are local; a wrong call is answered with what is wrong, for the model to correct. */
export const TOOLS = [
  tool('calculator', 'Evaluates an arithmetic expression with + - * / % ^ and parentheses.', 'expression'),
  tool('lookup', 'Finds passages of the given context that match a query.', 'query'),
] as const

function tool(name: string, description: string, parameter: string) {
  return {
    type: 'function',
    function: {
      name,
      description,
      parameters: { type: 'object', properties: { [parameter]: { type: 'string' } }, required: [parameter] },
    },
  } as const
}

/** The tool's answer as the model gets to read it. Never throws. */
export function runTool({ name, arguments: json }: ToolCall, documents: readonly Document[]): string {
  try {
    const { expression, query } = JSON.parse(json) as { expression?: unknown; query?: unknown }
    if (name === 'calculator' && typeof expression === 'string') return String(calculate(expression))
    if (name === 'lookup' && typeof query === 'string')
      return lookup(query, documents).join('\n') || 'nothing in the context matches'
    return `error: there is no tool ${name} with these arguments`
  } catch (error) {
    return `error: ${(error as Error).message}`
  }
}

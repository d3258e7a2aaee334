import { inspect } from 'node:util'
import type { JobError } from '../../runtime/job/outcome.ts'

const MESSAGE_BYTES_MAX = 1_024
const STACK_BYTES_MAX = 4_096
const CAUSES_MAX = 3

/** What is stored of something thrown: bounded, and free of what PostgreSQL cannot hold. Never throws. */
export function describeError(code: string, thrown: unknown): JobError {
  try {
    if (!(thrown instanceof Error))
      return { code, message: storableText(`threw ${inspect(thrown, { depth: 1 })}`, MESSAGE_BYTES_MAX) }
    return {
      code,
      message: storableText(String(thrown.message), MESSAGE_BYTES_MAX),
      stack: storableText(stackWithCauses(thrown), STACK_BYTES_MAX),
    }
  } catch {
    return { code, message: 'threw something that cannot be described' }
  }
}

function stackWithCauses(error: Error): string {
  const stacks: string[] = []
  let current: unknown = error
  for (let depth = 0; current instanceof Error && depth <= CAUSES_MAX; depth++) {
    stacks.push(String(current.stack ?? current))
    current = current.cause
  }
  return stacks.join('\ncaused by: ')
}

const scratch = new Uint8Array(STACK_BYTES_MAX)
const encoder = new TextEncoder()

/** At most `bytesMax` bytes of UTF-8, no character cut in two; NUL and lone surrogates become U+FFFD. */
function storableText(text: string, bytesMax: number): string {
  const storable = text.slice(0, bytesMax).toWellFormed().replaceAll('\0', '\uFFFD')
  return storable.slice(0, encoder.encodeInto(storable, scratch.subarray(0, bytesMax)).read)
}

/**
 * What `strace -f -yy -o FILE` wrote, as system calls in the order of their beginnings. `beganAt` and `endedAt` are line
 * numbers: strace writes a line when it sees a call begin and one when it sees it end (one for both where nothing came in
 * between), so a call whose end stands above another's beginning was over before that began.
 */
export interface Syscall {
  name: string
  /** Its arguments as strace prints them: descriptors with what they refer to, strings with escapes. */
  args: string
  result: string
  beganAt: number
  endedAt: number
}

const WHOLE = /^(\d+) +(\w+)\((.*)\) += (.*)$/
const BEGUN = /^(\d+) +(\w+)\((.*) <unfinished \.\.\.>$/
const RESUMED = /^(\d+) +<\.\.\. (\w+) resumed>(.*)\) += (.*)$/

export function parseTrace(text: string): Syscall[] {
  const calls: Syscall[] = []
  /** Thread → its call that has not returned. */
  const open = new Map<string, Syscall>()
  for (const [at, line] of text.split('\n').entries()) {
    const whole = WHOLE.exec(line)
    if (whole) {
      const [, , name = '', args = '', result = ''] = whole
      calls.push({ name, args, result, beganAt: at, endedAt: at })
      continue
    }
    const begun = BEGUN.exec(line)
    if (begun) {
      const [, thread = '', name = '', args = ''] = begun
      const call = { name, args, result: '', beganAt: at, endedAt: Number.POSITIVE_INFINITY }
      open.set(thread, call)
      calls.push(call)
      continue
    }
    const [, thread = '', , args = '', result = ''] = RESUMED.exec(line) ?? []
    const call = open.get(thread)
    if (!call) continue
    open.delete(thread)
    call.args += args
    call.result = result
    call.endedAt = at
  }
  return calls
}

/** The file that the first argument, a descriptor, refers to. */
export const fileOf = ({ args }: Syscall): string | undefined => /^\d+<([^>]*)>/.exec(args)?.[1]

/** The number of the first argument, a descriptor. */
export const descriptorOf = ({ args }: Syscall): string | undefined => /^(\d+)</.exec(args)?.[1]

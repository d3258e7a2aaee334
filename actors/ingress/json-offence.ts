import { type Refusal, refuse } from '../../runtime/http/refusal.ts'

/**
 * Names what is wrong with a JSON text that `JSON.parse` accepts and `parseJson` does not: the first offence in
 * document order, at its JSON Pointer (RFC 6901). The slow path: it runs only for texts that are refused anyway.
 */
export function findOffence(text: string): Refusal {
  const frames: Frame[] = []
  TOKEN.lastIndex = 0
  for (let match = TOKEN.exec(text); match; match = TOKEN.exec(text)) {
    const token = match[0]
    const frame = frames.at(-1)
    if (token === '{') frames.push({ keys: new Set(), key: '', index: 0, keyNext: true })
    else if (token === '[') frames.push({ keys: undefined, key: '', index: 0, keyNext: false })
    else if (token === '}' || token === ']') frames.pop()
    else if (token === ',') {
      if (frame) nextMember(frame)
    } else {
      const string = token.includes('\\') ? (JSON.parse(token) as string) : token.slice(1, -1)
      const offence = frame?.keyNext ? offenceOfKey(frames, frame, string) : offenceOfText(frames, string)
      if (offence) return offence
    }
  }
  throw new Error('findOffence was given a text without an offence')
}

/** No NUL character and no lone surrogate. */
export const isStorable = (text: string): boolean => !text.includes('\0') && text.isWellFormed()

/** An object (`keys` is set) or an array that is open at the current token. */
interface Frame {
  keys: Set<string> | undefined
  key: string
  index: number
  keyNext: boolean
}

/** In valid JSON nothing else is needed to follow the structure: colons, numbers and literals are skipped. */
const TOKEN = /[[\]{},]|"[^"\\]*(?:\\.[^"\\]*)*"/g

function nextMember(frame: Frame): void {
  frame.index++
  frame.keyNext = frame.keys !== undefined
}

function offenceOfKey(frames: readonly Frame[], frame: Frame, key: string): Refusal | undefined {
  frame.key = key
  frame.keyNext = false
  if (frame.keys?.has(key)) return refuse('duplicate-key', `${pointer(frames)} is there twice`)
  frame.keys?.add(key)
  const parent = frames.at(-2)
  if (key === '__proto__' || (key === 'prototype' && parent?.keys && parent.key === 'constructor'))
    return refuse('forbidden-key', `${pointer(frames)} is not allowed: it reaches an object's prototype`)
  return offenceOfText(frames, key)
}

function offenceOfText(frames: readonly Frame[], text: string): Refusal | undefined {
  if (isStorable(text)) return undefined
  return text.includes('\0')
    ? refuse('nul-character', `a NUL character at ${pointer(frames)}`)
    : refuse('invalid-json', `a lone surrogate, which is no Unicode character, at ${pointer(frames)}`)
}

const POINTER_CHARS_MAX = 200

function pointer(frames: readonly Frame[]): string {
  const path = frames.map(({ keys, key, index }) => `/${keys ? escapeKey(key) : index}`).join('')
  const bounded = path.length > POINTER_CHARS_MAX ? `${path.slice(0, POINTER_CHARS_MAX)}…` : path
  return `"${bounded.toWellFormed()}"`
}

const escapeKey = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1')

import { isUtf8 } from 'node:buffer'
import { BOUNDS } from '../../runtime/config/bounds.ts'
import { type Checked, refuse } from '../../runtime/http/refusal.ts'
import { findOffence, isStorable } from './json-offence.ts'

/**
 * Strict JSON from bytes: what passes is valid UTF-8 and valid JSON (RFC 8259), nested `JSON_DEPTH_MAX` deep at most,
 * without duplicate keys, without keys that reach an object's prototype, and every string in it is storable: no NUL
 * character (PostgreSQL refuses it) and no lone surrogate (UTF-8 cannot hold it).
 *
 * Cheap by counting: one pass over the bytes finds the depth, so that `JSON.parse` never recurses further, and counts
 * the colons outside strings; one walk over the parsed value counts its keys. In valid JSON there is a colon per
 * member, so a duplicate key is a colon without a key. Only then is the offence looked for by name.
 *
 * The `detail` of a refusal names a byte or a JSON Pointer, or quotes the text around the error.
 */
export function parseJson(bytes: Buffer): Checked<unknown> {
  const scan = scanBytes(bytes)
  if (scan.tooDeepAt >= 0)
    return refuse('nesting-too-deep', `more than ${JSON_DEPTH_MAX} levels at byte ${scan.tooDeepAt}`)
  if (!scan.ascii && !isUtf8(bytes))
    return refuse('invalid-utf8', `not UTF-8 from byte ${validUtf8Length(bytes)} on`)
  const text = scan.ascii ? bytes.toString('latin1') : bytes.toString('utf8')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return refuse('invalid-json', (error as SyntaxError).message)
  }
  if (countKeys(value, scan.unicodeEscapes) === scan.colons) return { ok: true, value }
  return findOffence(text)
}

const JSON_DEPTH_MAX = BOUNDS.ingress.jsonDepthMax

interface Scan {
  /** Offset of the first bracket below the deepest level allowed, or -1. */
  tooDeepAt: number
  /** Colons outside strings. */
  colons: number
  ascii: boolean
  /** A string holds a `\u` escape: the only way to a NUL or a lone surrogate in valid UTF-8 that is valid JSON. */
  unicodeEscapes: boolean
}

const QUOTE = 0x22
const COLON = 0x3a
const BACKSLASH = 0x5c
const LOWER_U = 0x75
/** `[` and `{`, `]` and `}` differ in this bit only. */
const BRACE_BIT = 0x20
const OPENING = 0x7b
const CLOSING = 0x7d

/** Exact up to the first byte that is not JSON, which is as far as `JSON.parse` comes. */
function scanBytes(bytes: Uint8Array): Scan {
  const { length } = bytes
  let depth = 0
  let colons = 0
  let allBits = 0
  let unicodeEscapes = false
  for (let at = 0; at < length; at++) {
    const byte = bytes[at] as number
    allBits |= byte
    if (byte === QUOTE) {
      for (at++; at < length; at++) {
        const inString = bytes[at] as number
        allBits |= inString
        if (inString === QUOTE) break
        if (inString !== BACKSLASH) continue
        const escaped = bytes[++at] as number
        allBits |= escaped
        unicodeEscapes ||= escaped === LOWER_U
      }
    } else if (byte === COLON) colons++
    else if ((byte | BRACE_BIT) === OPENING) {
      if (++depth > JSON_DEPTH_MAX) return { tooDeepAt: at, colons, ascii: false, unicodeEscapes }
    } else if ((byte | BRACE_BIT) === CLOSING) depth--
  }
  return { tooDeepAt: -1, colons, ascii: allBits < 0x80, unicodeEscapes }
}

/** Keys on all levels of a parsed value; -Infinity when one of them, or a string, is not allowed. */
function countKeys(value: unknown, checkStrings: boolean): number {
  if (typeof value === 'string') return checkStrings && !isStorable(value) ? Number.NEGATIVE_INFINITY : 0
  if (typeof value !== 'object' || value === null) return 0
  let count = 0
  if (Array.isArray(value)) {
    for (const item of value) count += countKeys(item, checkStrings)
    return count
  }
  for (const key in value) {
    const member = (value as Record<string, unknown>)[key]
    if (isForbiddenMember(key, member) || (checkStrings && !isStorable(key))) return Number.NEGATIVE_INFINITY
    count += 1 + countKeys(member, checkStrings)
  }
  return count
}

/** `__proto__`, and `prototype` directly inside `constructor`: what a careless merge follows to `Object.prototype`. */
const isForbiddenMember = (key: string, member: unknown): boolean =>
  key === '__proto__' ||
  (key === 'constructor' &&
    typeof member === 'object' &&
    member !== null &&
    Object.hasOwn(member, 'prototype'))

/** Bytes before the first that cannot be part of UTF-8, by bisection; a character cut off at the end is no error. */
function validUtf8Length(bytes: Uint8Array): number {
  let valid = 0
  let invalid = bytes.length + 1
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >> 1
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, middle), { stream: true })
      valid = middle
    } catch {
      invalid = middle
    }
  }
  return valid
}

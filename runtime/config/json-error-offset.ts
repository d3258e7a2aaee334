/**
 * Where a text stops being JSON (RFC 8259): the offset of the first character that cannot go on, the text's length when
 * it ends too early. For texts that JSON.parse refuses; of a valid one it returns the length.
 */
export function jsonErrorOffset(text: string): number {
  let at = 0

  const take = (token: RegExp): boolean => {
    token.lastIndex = at
    const found = token.exec(text)
    if (found !== null) at = token.lastIndex
    return found !== null
  }
  const takeMark = (mark: RegExp): boolean => {
    take(SPACE)
    const found = take(mark)
    take(SPACE)
    return found
  }
  const string = (): boolean => {
    if (!take(QUOTE)) return false
    take(CHARACTERS)
    return take(QUOTE)
  }
  const member = (): boolean => string() && takeMark(COLON) && value()
  const list = (element: () => boolean, end: RegExp): boolean => {
    if (takeMark(end)) return true
    while (element()) {
      if (takeMark(end)) return true
      if (!takeMark(COMMA)) return false
    }
    return false
  }
  const value = (): boolean => {
    take(SPACE)
    if (takeMark(OPEN_OBJECT)) return list(member, CLOSE_OBJECT)
    if (takeMark(OPEN_ARRAY)) return list(value, CLOSE_ARRAY)
    return string() || take(LITERAL)
  }

  if (value()) take(SPACE)
  return at
}

const SPACE = /[ \t\n\r]*/y
const QUOTE = /"/y
// biome-ignore lint/suspicious/noControlCharactersInRegex: exactly those are not allowed in a JSON string
const CHARACTERS = /(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*/y
const LITERAL = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)/y
const COLON = /:/y
const COMMA = /,/y
const OPEN_OBJECT = /\{/y
const CLOSE_OBJECT = /\}/y
const OPEN_ARRAY = /\[/y
const CLOSE_ARRAY = /\]/y

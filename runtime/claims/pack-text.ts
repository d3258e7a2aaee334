/** Texts of known form as words of a typed array, without a string or a buffer in between. */

/** The first `count` × 30 bits of a text in base64url: five characters to a word. */
export function packBase64url(text: string, into: Uint32Array, at: number, count: number): void {
  pack(text, into, at, count, 5, 6, SEXTETS)
}

/** The first `count` × 32 bits of a text in hexadecimal: eight digits to a word. */
export function packHex(text: string, into: Uint32Array, at: number, count: number): void {
  pack(text, into, at, count, 8, 4, NIBBLES)
}

function pack(
  text: string,
  into: Uint32Array,
  at: number,
  count: number,
  charsPerWord: number,
  bitsPerChar: number,
  values: Uint8Array,
): void {
  let char = 0
  for (let word = at; word < at + count; word++) {
    let bits = 0
    for (let i = 0; i < charsPerWord; i++)
      bits = (bits << bitsPerChar) | values[text.charCodeAt(char++) & 0x7f]!
    into[word] = bits
  }
}

const SEXTETS = valuesOf('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_')
const NIBBLES = valuesOf('0123456789abcdef')

/** ASCII code → value. */
function valuesOf(alphabet: string): Uint8Array {
  const values = new Uint8Array(128)
  for (const [value, char] of [...alphabet].entries()) values[char.charCodeAt(0)] = value
  return values
}

/**
 * PostgreSQL's text form of a one-dimensional array, element by element: `{plain,"quoted",NULL}`
 * (https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO). A column of a batch travels as one such string:
 * cheap to send to another thread, and the same for every driver.
 */
export class ArrayLiteral {
  #text = ''

  /** Any text. */
  text(value: string | null): void {
    this.plain(value === null ? null : quoted(value))
  }

  /** A number, or text known to hold none of `{}",\`, white space, or the word NULL. */
  plain(value: string | number | null): void {
    this.#text += this.#text === '' ? (value ?? 'NULL') : `,${value ?? 'NULL'}`
  }

  toString(): string {
    return `{${this.#text}}`
  }
}

export function arrayLiteral(values: Iterable<string>): string {
  const literal = new ArrayLiteral()
  for (const value of values) literal.text(value)
  return literal.toString()
}

const quoted = (value: string): string =>
  NEEDS_ESCAPE.test(value) ? `"${value.replace(TO_ESCAPE, '\\$&')}"` : `"${value}"`

const NEEDS_ESCAPE = /["\\]/
const TO_ESCAPE = /["\\]/g

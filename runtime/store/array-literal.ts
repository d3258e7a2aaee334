/**
 * PostgreSQL's text form of a one-dimensional array, element by element: `{plain,"quoted",NULL}`
 * (https://www.postgresql.org/docs/current/arrays.html#ARRAYS-IO). A column of a batch travels as one such string:
 * cheap to send to another thread, and the same for every driver.
 */
export class ArrayLiteral {
  readonly #elements: (string | number)[] = []

  /** Any text. */
  text(value: string | null): void {
    this.#elements.push(value === null ? 'NULL' : quoted(value))
  }

  /** A number, or text known to hold none of `{}",\`, white space, or the word NULL. */
  plain(value: string | number | null): void {
    this.#elements.push(value ?? 'NULL')
  }

  toString(): string {
    return `{${this.#elements.join()}}`
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

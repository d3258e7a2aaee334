import { SqlError } from './sql.ts'

/**
 * A column of JSON texts as one string, set apart by a control character: JSON holds none unescaped, so nothing has to be
 * quoted here and nothing unquoted there. (In an array literal every quote of a JSON text costs a backslash, twice.)
 *
 * What is no JSON must not shift its neighbours' texts: it is refused here, with the error that the database would give.
 */
const SEPARATOR = '\x1f'

export class JsonTexts {
  readonly #texts: string[] = []

  add(json: string | null): void {
    if (json === '' || json?.includes(SEPARATOR))
      throw new SqlError(`invalid JSON: ${json === '' ? 'empty' : 'an unescaped control character'}`, '22P02')
    this.#texts.push(json ?? '')
  }

  toString(): string {
    return this.#texts.join(SEPARATOR)
  }
}

/** SQL: the array of texts, null for none, that such a parameter holds. That of a single null is empty, which `unnest` pads. */
export const jsonTextsOf = (parameter: string): string => `string_to_array(${parameter}::text, E'\\x1f', '')`

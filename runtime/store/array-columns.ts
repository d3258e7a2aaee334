import { ArrayLiteral } from './array-literal.ts'
import { JsonTexts } from './json-texts.ts'

/** The columns of a batch, one parameter each, in the order in which they were named: array literals, or JSON texts. */
export class ArrayColumns<Name extends string, JsonName extends Name = never> {
  readonly #literals = new Map<string, ArrayLiteral>()
  readonly #jsons = new Map<string, JsonTexts>()
  readonly #inOrder: readonly (ArrayLiteral | JsonTexts)[]

  constructor(names: readonly Name[], jsonNames: readonly JsonName[] = []) {
    this.#inOrder = names.map((name) => {
      if ((jsonNames as readonly string[]).includes(name)) return added(this.#jsons, name, new JsonTexts())
      return added(this.#literals, name, new ArrayLiteral())
    })
  }

  /** Any text. */
  text(name: Exclude<Name, JsonName>, value: string | null): void {
    this.#literals.get(name)?.text(value)
  }

  /** What needs no quotes: see ArrayLiteral. */
  plain(name: Exclude<Name, JsonName>, value: string | number | null): void {
    this.#literals.get(name)?.plain(value)
  }

  /** JSON text as JSON.stringify makes it. */
  json(name: JsonName, text: string | null): void {
    this.#jsons.get(name)?.add(text)
  }

  parameters(): string[] {
    return this.#inOrder.map(String)
  }
}

function added<Column>(columns: Map<string, Column>, name: string, column: Column): Column {
  columns.set(name, column)
  return column
}

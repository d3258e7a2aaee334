import { ArrayLiteral } from './array-literal.ts'

/** The columns of a batch, one array literal each, in the order in which they were named. */
export class ArrayColumns<Name extends string> {
  readonly #literals: ReadonlyMap<string, ArrayLiteral>

  constructor(names: readonly Name[]) {
    this.#literals = new Map(names.map((name) => [name, new ArrayLiteral()]))
  }

  /** Any text. */
  text(name: Name, value: string | null): void {
    this.#literals.get(name)?.text(value)
  }

  /** What needs no quotes: see ArrayLiteral. */
  plain(name: Name, value: string | number | null): void {
    this.#literals.get(name)?.plain(value)
  }

  parameters(): string[] {
    return [...this.#literals.values()].map(String)
  }
}

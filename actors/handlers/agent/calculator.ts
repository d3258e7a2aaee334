/**
 * Evaluates an arithmetic expression: decimal numbers, + - * / % ^, parentheses; `^` binds tightest and to the right, the
 * rest as usual. A recursive-descent parser, since what a model wrote must never be evaluated as code.
 */
export class ExpressionError extends Error {
  override readonly name = 'ExpressionError'
}

const EXPRESSION_CHARS_MAX = 200
const TOKEN = /\s*(?:(\d+(?:\.\d+)?|\.\d+)|([-+*/%^()]))/y

/** Throws ExpressionError for what is no expression, is longer than 200 characters, or has no finite value. */
export function calculate(expression: string): number {
  if (expression.length > EXPRESSION_CHARS_MAX)
    throw new ExpressionError(`the expression is longer than ${EXPRESSION_CHARS_MAX} characters`)
  const parser = new Parser(tokenize(expression))
  const value = parser.sum()
  parser.expectEnd()
  if (!Number.isFinite(value)) throw new ExpressionError('the expression has no finite value')
  return value
}

type Token = number | string

function tokenize(expression: string): Token[] {
  const text = expression.trim()
  const tokens: Token[] = []
  TOKEN.lastIndex = 0
  for (let at = 0; at < text.length; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at
    const match = TOKEN.exec(text)
    if (match === null)
      throw new ExpressionError(`unexpected ${JSON.stringify(text[at])} at position ${at + 1}`)
    tokens.push(match[1] === undefined ? (match[2] as string) : Number(match[1]))
  }
  return tokens
}

class Parser {
  readonly #tokens: readonly Token[]
  #at = 0

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens
  }

  sum(): number {
    let value = this.#product()
    for (let operator = this.#take('+', '-'); operator !== undefined; operator = this.#take('+', '-'))
      value = operator === '+' ? value + this.#product() : value - this.#product()
    return value
  }

  expectEnd(): void {
    if (this.#at < this.#tokens.length) throw new ExpressionError(`unexpected ${this.#tokens[this.#at]}`)
  }

  #product(): number {
    let value = this.#signed()
    for (
      let operator = this.#take('*', '/', '%');
      operator !== undefined;
      operator = this.#take('*', '/', '%')
    ) {
      const right = this.#signed()
      value = operator === '*' ? value * right : operator === '/' ? value / right : value % right
    }
    return value
  }

  #signed(): number {
    const sign = this.#take('+', '-')
    if (sign !== undefined) return sign === '-' ? -this.#signed() : this.#signed()
    const base = this.#primary()
    return this.#take('^') === undefined ? base : base ** this.#signed()
  }

  #primary(): number {
    const token = this.#tokens[this.#at++]
    if (typeof token === 'number') return token
    if (token !== '(') throw new ExpressionError(`expected a number, found ${token ?? 'the end'}`)
    const value = this.sum()
    if (this.#take(')') === undefined) throw new ExpressionError('a parenthesis is not closed')
    return value
  }

  #take(...operators: string[]): string | undefined {
    const token = this.#tokens[this.#at]
    if (typeof token !== 'string' || !operators.includes(token)) return undefined
    this.#at++
    return token
  }
}

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { calculate, ExpressionError } from '../../../../actors/handlers/agent/calculator.ts'

it.each([
  ['1 + 2 * 3', 7],
  ['(1 + 2) * 3', 9],
  ['10 - 4 - 3', 3],
  ['100 / 10 / 5', 2],
  ['2 ^ 3 ^ 2', 512],
  ['-2 ^ 2', -4],
  ['2 ^ -1', 0.5],
  ['--3', 3],
  ['7 % 4 * 2', 6],
  [' .5+1.25 ', 1.75],
])('%s is %d', (expression, value) => {
  expect(calculate(expression)).toBe(value)
})

it.each([
  '',
  '1 +',
  '(1',
  '1)',
  '1 2',
  'x',
  '1 / 0',
  '0 / 0',
  '9^9^9',
  'process.exit()',
  '1e5',
  '('.repeat(201),
])('what is no expression, or has no finite value, is refused: %s', (expression) => {
  expect(() => calculate(expression)).toThrow(ExpressionError)
})

it('sums and products agree with the language, whatever the grouping', () => {
  const { tree } = fc.letrec<{ tree: string; leaf: string; node: string }>((tie) => ({
    tree: fc.oneof({ maxDepth: 3 }, tie('leaf'), tie('node')),
    leaf: fc.nat(99).map(String),
    node: fc
      .tuple(tie('tree'), fc.constantFrom('+', '-', '*'), tie('tree'), fc.boolean())
      .map(([left, operator, right, grouped]) =>
        grouped ? `(${left} ${operator} ${right})` : `${left} ${operator} ${right}`,
      ),
  }))
  fc.assert(
    fc.property(
      tree.filter((expression) => expression.length <= 200),
      (expression) => {
        // biome-ignore lint/security/noGlobalEval: digits, operators and parentheses from the generator above
        expect(calculate(expression)).toBe(eval(expression))
      },
    ),
  )
})

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { jsonErrorOffset } from '../../../runtime/config/json-error-offset.ts'

it.each([
  ['', 0],
  ['{', 1],
  ['{"a": tru}', 6],
  ['{"a": 1,}', 8],
  ['[1 2]', 3],
  ['{"a" 1}', 5],
  ["{'a': 1}", 1],
  ['{"a": "b\nc"}', 8],
  ['"\\x"', 1],
  ['01', 1],
  ['{} x', 3],
])('of %j is %i', (text, offset) => {
  expect(jsonErrorOffset(text)).toBe(offset)
})

it('a valid text has no error before its end', () => {
  fc.assert(
    fc.property(fc.json(), fc.boolean(), (text, pretty) => {
      const json = pretty ? JSON.stringify(JSON.parse(text), null, 2) : text
      expect(jsonErrorOffset(json)).toBe(json.length)
    }),
  )
})

it('a text with a character that JSON does not know has its error there, or before', () => {
  fc.assert(
    fc.property(fc.json(), fc.nat(), (text, seed) => {
      const at = seed % (text.length + 1)
      const broken = `${text.slice(0, at)}\u0000${text.slice(at)}`
      return jsonErrorOffset(broken) <= at
    }),
  )
})

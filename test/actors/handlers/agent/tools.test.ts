import { expect, it } from 'vitest'
import { cleanText } from '../../../../actors/handlers/agent/clean-text.ts'
import { lookup } from '../../../../actors/handlers/agent/lookup.ts'
import { runTool } from '../../../../actors/handlers/agent/tools.ts'

const documents = [
  {
    title: 'Prices',
    text: 'The basic plan costs 10 EUR.\n\nThe gold plan costs 40 EUR and includes support.',
  },
  { title: 'History', text: 'Founded in 1999.' },
]
const call = (name: string, args: unknown) =>
  runTool({ id: 'c', name, arguments: typeof args === 'string' ? args : JSON.stringify(args) }, documents)

it('a lookup gives the passages that share most words, best first', () => {
  expect(lookup('What does the GOLD plan cost with support?', documents)).toEqual([
    'Prices: The gold plan costs 40 EUR and includes support.',
    'Prices: The basic plan costs 10 EUR.',
  ])
  expect(lookup('quantum', documents)).toEqual([])
})

it('passages are bounded in number and length', () => {
  const found = lookup('word', [{ title: 'T', text: `${'word '.repeat(2_000)}` }])
  expect(found).toHaveLength(3)
  for (const passage of found) expect(passage.length).toBeLessThanOrEqual(503)
})

it('both tools answer, and a wrong call is answered with what is wrong', () => {
  expect(call('calculator', { expression: '2 * 40' })).toBe('80')
  expect(call('lookup', { query: 'founded' })).toBe('History: Founded in 1999.')
  expect(call('lookup', { query: 'quantum' })).toBe('nothing in the context matches')
  expect(call('calculator', { expression: 'process.exit()' })).toMatch(/^error: unexpected "p"/)
  expect(call('calculator', { query: 'x' })).toBe('error: there is no tool calculator with these arguments')
  expect(call('shell', { command: 'ls' })).toBe('error: there is no tool shell with these arguments')
  for (const json of ['', 'null', '{"cut', '[]', '7']) expect(call('calculator', json)).toMatch(/^error: /)
})

it("a model's text loses what cannot be stored", () => {
  expect(cleanText(' a\0b\u001bc\n\td\ud800 ', 100)).toBe('abc\n\td\uFFFD')
  expect(cleanText('x'.repeat(200), 100)).toHaveLength(100)
})

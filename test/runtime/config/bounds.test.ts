import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { BOUNDS } from '../../../runtime/config/bounds.ts'
import { readTree } from '../../support/check-imports.ts'
import { PRODUCT } from '../../support/import-rules.ts'

/** Constants that look like bounds and belong where they are: each file's reason. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  'runtime/claims/rows.ts': 'the load of a hash table, a share',
  'runtime/log/lmdb-batches.ts': 'format: a partition in a key',
  'runtime/actor/questions.ts': 'what a timer of Node can wait for',
  'runtime/handler/upstream-body.ts': 'text of an error',
  'actors/pool/storable-json.ts': 'what PostgreSQL parses',
  'actors/pool/describe-error.ts': 'text of an error',
  'actors/ingress/explain-payload.ts': 'text of a refusal',
  'actors/upstreams/chat-format.ts': 'format of the chat API',
}

/** The built-in handlers' own business: what they ask of their upstreams and write. */
const HANDLERS = 'actors/handlers/'

/** A name in `MAX` or `Max`, before its unit or behind it, set to a figure. Lengths of texts that people read are named so. */
const BOUND = /(?:const|readonly) #?(\w*(?:_MAX|Max)(?:_MS|Ms)?)\b[^=\n]*= *[0-9]/g
const TEXT = /_CHARS_MAX$/

const boundsIn = (text: string): string[] =>
  [...text.matchAll(BOUND)].map(([, name]) => name ?? '').filter((name) => !TEXT.test(name))

const root = fileURLToPath(new URL('../../..', import.meta.url))
const product = [...readTree(root)].filter(([path]) => PRODUCT.includes(path.split('/')[0] ?? ''))

it('no file of the product has a bound of its own', () => {
  expect(product.length).toBeGreaterThan(100)
  const found = product
    .filter(([path]) => !path.startsWith(HANDLERS))
    .flatMap(([path, text]) => boundsIn(text).map((name) => ({ path, name })))
  const misplaced = found.filter(({ path }) => !(path in ELSEWHERE))
  expect(misplaced, 'they belong into runtime/config/bounds.ts').toEqual([])
  const idle = Object.keys(ELSEWHERE).filter((path) => !found.some((one) => one.path === path))
  expect(idle, 'nothing of these has to be allowed').toEqual([])
})

it('every bound bounds something', () => {
  const users = product.filter(([path]) => !path.startsWith('runtime/config/')).map(([, text]) => text)
  const isUsed = (name: string) => users.some((text) => new RegExp(`\\b${name}\\b`).test(text))
  const idle = Object.entries(BOUNDS).flatMap(([stage, bounds]) =>
    Object.keys(bounds)
      .filter((name) => !isUsed(name))
      .map((name) => `${stage}.${name}`),
  )
  expect(idle).toEqual([])
})

it.each([
  'const WAITING_MAX = 100_000',
  'export const DELAY_MAX_MS: number = 60_000',
  '  static readonly #textsMax = 256',
])('a bound is found: %s', (line) => {
  expect(boundsIn(line)).toHaveLength(1)
})

it.each(['const NAME_CHARS_MAX = 64', 'const TURN_MAX = BOUNDS.consumer.batchJobsMax', 'const x = 3'])(
  'it is none: %s',
  (line) => {
    expect(boundsIn(line)).toEqual([])
  },
)

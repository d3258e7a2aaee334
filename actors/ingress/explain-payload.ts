import type { TLocalizedValidationError } from 'typebox/error'
import { BOUNDS } from '../../runtime/config/bounds.ts'
import type { CatalogueEntry } from './catalogue.ts'

/**
 * Says where a payload does not match its schema and what is expected there: `"/payload/email" must be string`.
 * Bounded in length, and in work: finding errors walks the schema at some 0.5 us per value of the payload.
 */
export function explainPayload({ payload }: CatalogueEntry, value: unknown, bodyBytes: number): string {
  if (bodyBytes > EXPLAINED_BYTES_MAX)
    return `the payload does not match; where is looked for in bodies of at most ${EXPLAINED_BYTES_MAX} bytes`
  const byPlace = new Map<string, Set<string>>()
  for (const error of payload.Errors(value)) {
    const expectation = expectationOf(error)
    if (!expectation) continue
    const place = byPlace.get(error.instancePath) ?? new Set()
    byPlace.set(error.instancePath, place.add(expectation))
  }
  const sentences = [...byPlace].map(
    ([path, expectations]) => `"/payload${cut(path, PATH_CHARS_MAX)}" ${[...expectations].join(' or ')}`,
  )
  return cut(sentences.slice(0, PLACES_MAX).join('; '), DETAIL_CHARS_MAX)
}

const EXPLAINED_BYTES_MAX = BOUNDS.ingress.explainedBytesMax
const PLACES_MAX = 3
const PATH_CHARS_MAX = 120
const DETAIL_CHARS_MAX = 500

function expectationOf(error: TLocalizedValidationError): string | undefined {
  switch (error.keyword) {
    case 'const':
      return `must be ${JSON.stringify(error.params.allowedValue)}`
    case 'enum':
      return `must be one of ${JSON.stringify(error.params.allowedValues)}`
    case 'additionalProperties':
      return `must not have ${error.params.additionalProperties.map((name) => JSON.stringify(name)).join(', ')}`
    case 'anyOf':
    case 'boolean':
      // Said better by the errors that come with them.
      return undefined
    default:
      return error.message
  }
}

const cut = (text: string, charsMax: number): string =>
  text.length > charsMax ? `${text.slice(0, charsMax)}…` : text

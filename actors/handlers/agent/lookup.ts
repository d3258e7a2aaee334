/** Finds the passages of the given documents that share most words with a query. Local and deterministic. */
export interface Document {
  title: string
  text: string
}

const PASSAGES_MAX = 3
const PASSAGE_CHARS_MAX = 500
const SHORT_WORD_CHARS = 3

/** The best passages, best first, each with its title; empty when no word of the query occurs. */
export function lookup(query: string, documents: readonly Document[]): string[] {
  const wanted = new Set(words(query))
  const scored = documents.flatMap(({ title, text }) =>
    passages(text).map((passage) => ({ title, passage, score: overlap(wanted, `${title} ${passage}`) })),
  )
  return scored
    .filter(({ score }) => score > 0)
    .sort((one, other) => other.score - one.score)
    .slice(0, PASSAGES_MAX)
    .map(({ title, passage }) => `${title}: ${passage}`)
}

/** Paragraphs, the long ones cut. */
function passages(text: string): string[] {
  return text
    .split(/\n\s*\n/)
    .flatMap((paragraph) => paragraph.match(CUT) ?? [])
    .map((passage) => passage.trim())
    .filter((passage) => passage !== '')
}
const CUT = new RegExp(`[^]{1,${PASSAGE_CHARS_MAX}}`, 'g')

// Short words are in every passage.
const words = (text: string): string[] =>
  (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).filter((word) => word.length >= SHORT_WORD_CHARS)

function overlap(wanted: ReadonlySet<string>, text: string): number {
  let shared = 0
  for (const word of new Set(words(text))) if (wanted.has(word)) shared++
  return shared
}

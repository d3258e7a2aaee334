/**
 * What a company's domain gives away by itself: industry from the words in it, country from its ending. A local,
 * deterministic lookup; it asks no upstream and invents nothing (unknown stays undefined).
 */
export interface Firmographics {
  industry: Industry | undefined
  /** ISO 3166-1 alpha-2. */
  country: string | undefined
}

const INDUSTRY_WORDS = {
  software: ['soft', 'cloud', 'data', 'tech', 'labs', 'digital', 'systems', 'saas', 'dev', 'cyber'],
  finance: ['bank', 'capital', 'finance', 'insur', 'credit', 'payment', 'fintech', 'invest'],
  health: ['health', 'clinic', 'medic', 'pharma', 'hospital', 'dental', 'care', 'bio'],
  manufacturing: ['industr', 'steel', 'machine', 'automotive', 'factory', 'chem', 'werk', 'tools'],
  logistics: ['logist', 'freight', 'cargo', 'shipping', 'transport', 'supply'],
  retail: ['shop', 'store', 'retail', 'market', 'fashion', 'mart'],
  education: ['school', 'univers', 'academy', 'college', 'learn'],
  government: ['gov', 'council', 'ministry', 'city'],
} as const

export type Industry = keyof typeof INDUSTRY_WORDS

const INDUSTRY_OF_WORD = new Map<string, Industry>(
  Object.entries(INDUSTRY_WORDS).flatMap(([industry, words]) =>
    words.map((word) => [word, industry as Industry] as const),
  ),
)
const WORDS = new RegExp([...INDUSTRY_OF_WORD.keys()].join('|'))

const INDUSTRY_OF_ENDING: Readonly<Record<string, Industry>> = { edu: 'education', gov: 'government' }

/** Endings that are sold as words, whatever country they belong to. */
const NOT_A_COUNTRY = new Set(['io', 'ai', 'co', 'me', 'tv', 'fm', 'ly', 'gg', 'cc', 'eu'])

export function firmographicsOf(domain: string): Firmographics {
  const ending = domain.slice(domain.lastIndexOf('.') + 1)
  const word = WORDS.exec(domain.slice(0, -ending.length))?.[0]
  return {
    industry: INDUSTRY_OF_ENDING[ending] ?? (word === undefined ? undefined : INDUSTRY_OF_WORD.get(word)),
    country: countryOf(ending),
  }
}

function countryOf(ending: string): string | undefined {
  if (ending.length !== 2 || NOT_A_COUNTRY.has(ending)) return undefined
  return ending === 'uk' ? 'GB' : ending.toUpperCase()
}

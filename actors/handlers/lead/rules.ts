import type { Firmographics, Industry } from './firmographics.ts'
import type { Intent } from './intent.ts'
import { mailDomainKind } from './mail-domains.ts'

/**
 * How a lead is judged: each rule gives points and says why; the score is their sum, held within 0–100. The highest
 * points of all rules add up to 100. Pure. Change RULES_VERSION with any rule: it is stored with every score.
 */
export const RULES_VERSION = 1

export interface LeadFacts {
  mailDomain: string
  employees: number | undefined
  budgetEur: number | undefined
  country: string | undefined
  jobTitle: string | undefined
  source: Source | undefined
  /** Enrichments: undefined when they were left out. */
  firmographics: Firmographics | undefined
  intents: readonly Intent[] | undefined
}

export const SOURCES = ['referral', 'demo-request', 'event', 'website', 'content', 'purchased-list'] as const
type Source = (typeof SOURCES)[number]

interface Explanation {
  rule: string
  points: number
  why: string
}

export type Grade = 'A' | 'B' | 'C' | 'D'

export interface Qualification {
  score: number
  grade: Grade
  explanations: Explanation[]
}

interface Rule {
  name: string
  pointsMax: number
  judge(facts: LeadFacts): [points: number, why: string]
}

const NOT_LOOKED_UP: [number, string] = [0, 'not looked up']

/** The points of the first band whose lower end the value reaches. */
const band = (value: number, bands: readonly (readonly [from: number, points: number])[]): number =>
  bands.find(([from]) => value >= from)?.[1] ?? 0

const INDUSTRY_POINTS: Readonly<Partial<Record<Industry, number>>> = {
  software: 10,
  finance: 10,
  logistics: 8,
  health: 7,
  manufacturing: 7,
  retail: 5,
}
const SOURCE_POINTS: Readonly<Record<Source, number>> = {
  referral: 10,
  'demo-request': 10,
  event: 6,
  website: 5,
  content: 3,
  'purchased-list': -5,
}
const INTENT_POINTS: Readonly<Record<Intent, number>> = { buying: 4, evaluating: 3, urgent: 3, selling: -20 }

const SERVED = new Set('AT AU BE CA CH CZ DE DK ES FI FR GB IE IT LU NL NO NZ PL PT SE US'.split(' '))

const DECIDES =
  /\b(?:chief|ceo|cto|cfo|coo|cio|ciso|founder|owner|president|vp|vice president|managing director)\b/i
const INFLUENCES = /\b(?:head|director|lead|manager|principal|architect)\b/i

export const RULES: readonly Rule[] = [
  {
    name: 'mail-domain',
    pointsMax: 10,
    judge({ mailDomain }) {
      const kind = mailDomainKind(mailDomain)
      return [{ business: 10, free: 0, disposable: -30 }[kind], `${mailDomain} is a ${kind} mail domain`]
    },
  },
  {
    name: 'company-size',
    pointsMax: 15,
    judge({ employees }) {
      if (employees === undefined) return [0, 'number of employees unknown']
      return [
        band(employees, [
          [200, 15],
          [50, 12],
          [10, 7],
          [2, 3],
        ]),
        `${employees} employees`,
      ]
    },
  },
  {
    name: 'budget',
    pointsMax: 20,
    judge({ budgetEur }) {
      if (budgetEur === undefined) return [0, 'budget unknown']
      return [
        band(budgetEur, [
          [50_000, 20],
          [20_000, 15],
          [5_000, 10],
          [1_000, 4],
        ]),
        `budget of ${budgetEur} EUR`,
      ]
    },
  },
  {
    name: 'country',
    pointsMax: 10,
    judge({ country, firmographics }) {
      const known = country ?? firmographics?.country
      if (known === undefined) return [0, 'country unknown']
      const from = country === undefined ? ' (by its domain)' : ''
      return SERVED.has(known) ? [10, `${known}${from} is served`] : [-10, `${known}${from} is not served`]
    },
  },
  {
    name: 'job-title',
    pointsMax: 15,
    judge({ jobTitle }) {
      if (jobTitle === undefined) return [0, 'job title unknown']
      if (DECIDES.test(jobTitle)) return [15, 'decides on purchases']
      return INFLUENCES.test(jobTitle) ? [10, 'has a say in purchases'] : [3, 'does not decide on purchases']
    },
  },
  {
    name: 'source',
    pointsMax: 10,
    judge({ source }) {
      return source === undefined ? [0, 'source unknown'] : [SOURCE_POINTS[source], `came by ${source}`]
    },
  },
  {
    name: 'industry',
    pointsMax: 10,
    judge({ firmographics }) {
      if (firmographics === undefined) return NOT_LOOKED_UP
      const { industry } = firmographics
      return industry === undefined ? [0, 'industry unknown'] : [INDUSTRY_POINTS[industry] ?? 0, industry]
    },
  },
  {
    name: 'intent',
    pointsMax: 10,
    judge({ intents }) {
      if (intents === undefined) return NOT_LOOKED_UP
      const points = intents.reduce((sum, intent) => sum + INTENT_POINTS[intent], 0)
      return [
        points,
        intents.length === 0 ? 'the message shows no intent' : `the message sounds ${intents.join(', ')}`,
      ]
    },
  },
]

export function qualify(facts: LeadFacts): Qualification {
  const explanations = RULES.map(({ name, judge }): Explanation => {
    const [points, why] = judge(facts)
    return { rule: name, points, why }
  })
  const sum = explanations.reduce((total, { points }) => total + points, 0)
  const score = Math.min(100, Math.max(0, sum))
  return { score, grade: gradeOf(score), explanations }
}

export function gradeOf(score: number): Grade {
  if (score >= 75) return 'A'
  if (score >= 50) return 'B'
  return score >= 25 ? 'C' : 'D'
}

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { firmographicsOf } from '../../../../actors/handlers/lead/firmographics.ts'
import { INTENTS, intentsOf } from '../../../../actors/handlers/lead/intent.ts'
import { mailDomainKind } from '../../../../actors/handlers/lead/mail-domains.ts'
import { gradeOf, type LeadFacts, qualify, RULES, SOURCES } from '../../../../actors/handlers/lead/rules.ts'

const nothingKnown: LeadFacts = {
  mailDomain: 'acme.com',
  employees: undefined,
  budgetEur: undefined,
  country: undefined,
  jobTitle: undefined,
  source: undefined,
  firmographics: undefined,
  intents: undefined,
}
const best: LeadFacts = {
  mailDomain: 'acme.com',
  employees: 500,
  budgetEur: 100_000,
  country: 'DE',
  jobTitle: 'Chief Technology Officer',
  source: 'referral',
  firmographics: { industry: 'software', country: undefined },
  intents: ['buying', 'evaluating', 'urgent'],
}

const optional = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: undefined })
const anyFacts: fc.Arbitrary<LeadFacts> = fc.record({
  mailDomain: fc.constantFrom('acme.com', 'gmail.com', 'mailinator.com'),
  employees: optional(fc.nat()),
  budgetEur: optional(fc.double({ min: 0, noNaN: true })),
  country: optional(fc.constantFrom('DE', 'US', 'KP')),
  jobTitle: optional(fc.oneof(fc.string(), fc.constantFrom('CEO', 'Head of Sales'))),
  source: optional(fc.constantFrom(...SOURCES)),
  firmographics: optional(fc.domain().map(firmographicsOf)),
  intents: optional(fc.subarray([...INTENTS])),
})

it('the highest points of all rules are 100, and the best lead reaches them', () => {
  expect(RULES.reduce((sum, { pointsMax }) => sum + pointsMax, 0)).toBe(100)
  expect(qualify(best)).toMatchObject({ score: 100, grade: 'A' })
})

it('every score is a whole number from 0 to 100, and the sum of what its explanations give', () => {
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const { score, grade, explanations } = qualify(facts)
      const sum = explanations.reduce((total, { points }) => total + points, 0)
      expect(score).toBe(Math.min(100, Math.max(0, sum)))
      expect(Number.isInteger(score)).toBe(true)
      expect(grade).toBe(gradeOf(score))
      for (const [i, { rule, points, why }] of explanations.entries()) {
        expect(rule).toBe(RULES[i]?.name)
        expect(points).toBeLessThanOrEqual(RULES[i]?.pointsMax ?? 0)
        expect(why).not.toBe('')
      }
    }),
  )
})

it('a larger company or budget never makes a lead worse', () => {
  fc.assert(
    fc.property(anyFacts, fc.nat(), fc.nat(), (facts, employees, budgetEur) => {
      const smaller = qualify({ ...facts, employees: Math.floor(employees / 2), budgetEur: budgetEur / 2 })
      return qualify({ ...facts, employees, budgetEur }).score >= smaller.score
    }),
  )
})

it('what is not known gives no points and says so', () => {
  const { score, explanations } = qualify(nothingKnown)
  expect(score).toBe(10)
  expect(Object.fromEntries(explanations.map(({ rule, why }) => [rule, why]))).toEqual({
    'mail-domain': 'acme.com is a business mail domain',
    'company-size': 'number of employees unknown',
    budget: 'budget unknown',
    country: 'country unknown',
    'job-title': 'job title unknown',
    source: 'source unknown',
    industry: 'not looked up',
    intent: 'not looked up',
  })
})

it('grades begin at 75, 50 and 25', () => {
  expect([100, 75, 74, 50, 49, 25, 24, 0].map(gradeOf)).toEqual(['A', 'A', 'B', 'B', 'C', 'C', 'D', 'D'])
})

it('a domain tells its industry and country, or nothing', () => {
  expect(firmographicsOf('nordbank.de')).toEqual({ industry: 'finance', country: 'DE' })
  expect(firmographicsOf('acme-software.co.uk')).toEqual({ industry: 'software', country: 'GB' })
  expect(firmographicsOf('mit.edu')).toEqual({ industry: 'education', country: undefined })
  expect(firmographicsOf('zyx.io')).toEqual({ industry: undefined, country: undefined })
})

it('a message tells what its sender wants, and only its beginning is read', () => {
  expect(intentsOf('Could we get a DEMO and pricing, ASAP?')).toEqual(['buying', 'evaluating', 'urgent'])
  expect(intentsOf('We sell backlinks')).toEqual(['selling'])
  expect(intentsOf('Orderly demonstration')).toEqual([])
  expect(intentsOf(`${'x '.repeat(500)}pricing`)).toEqual([])
})

it('mail domains are business, free or disposable', () => {
  expect(['acme.com', 'gmail.com', 'yopmail.com'].map(mailDomainKind)).toEqual([
    'business',
    'free',
    'disposable',
  ])
})

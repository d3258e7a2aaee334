import { Value } from 'typebox/value'
import { expect, it } from 'vitest'
import leadQualify from '../../../actors/handlers/lead-qualify.ts'
import { runReadably as runJob } from '../../support/readable-report.ts'
import { envelopeOf, optionsOf } from '../pool/run-fixtures.ts'

const lead = {
  email: 'Jane.Doe@Acme-Software.de',
  company: 'Acme Software',
  employees: 250,
  budgetEur: 20_000,
  jobTitle: 'CTO',
  source: 'referral',
  message: 'Please send pricing; we want to migrate this quarter.',
}

it('a lead is scored, explained, and written as one row keyed by its mail address', async () => {
  const report = await runJob(envelopeOf(lead), leadQualify, optionsOf())
  expect(report).toMatchObject({ state: 'done', result: { score: 95, grade: 'A' } })
  expect(report.writes).toEqual([
    {
      table: 'leads',
      row: {
        email: 'jane.doe@acme-software.de',
        company: 'Acme Software',
        domain: 'acme-software.de',
        country: 'DE',
        source: 'referral',
        score: 95,
        grade: 'A',
        rules_version: 1,
      },
    },
  ])
  expect(report.result).toMatchObject({
    explanations: expect.arrayContaining([{ rule: 'industry', points: 10, why: 'software' }]),
  })
})

it('thin mode leaves both enrichments out and is marked', async () => {
  const report = await runJob(envelopeOf(lead), leadQualify, optionsOf({ thin: true }))
  expect(report).toMatchObject({
    state: 'thin',
    skipped: ['firmographics', 'intent'],
    result: { score: 65, grade: 'B' },
    writes: [{ row: { country: null } }],
  })
})

it('the smallest payload is enough', async () => {
  const report = await runJob(envelopeOf({ email: 'a@gmail.com', company: 'A' }), leadQualify, optionsOf())
  expect(report).toMatchObject({ state: 'done', result: { score: 0, grade: 'D' } })
})

it.each([
  [{}, true],
  [{ email: 'no-address' }, false],
  [{ email: 'a@b' }, false],
  [{ company: '' }, false],
  [{ country: 'Germany' }, false],
  [{ source: 'elsewhere' }, false],
  [{ employees: -1 }, false],
  [{ employees: 1.5 }, false],
  [{ message: 'x'.repeat(4_001) }, false],
  [{ budget: 5 }, false],
])('the schema judges a payload with %j: %s', (change, valid) => {
  expect(Value.Check(leadQualify.payload, { ...lead, ...change })).toBe(valid)
})

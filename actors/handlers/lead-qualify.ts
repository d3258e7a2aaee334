import { defineHandler, defineTable, Type } from 'spillway'
import { firmographicsOf } from './lead/firmographics.ts'
import { intentsOf } from './lead/intent.ts'
import { qualify, RULES_VERSION, SOURCES } from './lead/rules.ts'

/**
 * Pool A: qualifies a lead by the rules in `lead/rules.ts`. CPU-bound and local, a few microseconds a job: its two
 * enrichments are lookups without an upstream, there to show (and to save) work that thin mode leaves out. Why a lead got
 * its score is in the job's result; the row in `leads` carries the job's id.
 */
const leads = defineTable({
  name: 'leads',
  key: ['email'],
  columns: {
    email: 'text',
    company: 'text',
    domain: 'text',
    country: 'text',
    source: 'text',
    score: 'integer',
    grade: 'text',
    rules_version: 'integer',
  },
})

export default defineHandler({
  kind: 'lead.qualify',
  pool: 'a',
  timeoutMs: 2_000,
  retry: { attemptsMax: 3, backoffMinMs: 500, backoffMaxMs: 30_000 },
  payload: Type.Object(
    {
      email: Type.String({ pattern: '^[^\\s@]+@[^\\s@.]+(\\.[^\\s@.]+)+$', maxLength: 254 }),
      company: Type.String({ minLength: 1, maxLength: 200 }),
      /** The company's; the mail address's when it is left out. */
      domain: Type.Optional(Type.String({ pattern: '^[^\\s@./]+(\\.[^\\s@./]+)+$', maxLength: 253 })),
      employees: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000_000 })),
      budgetEur: Type.Optional(Type.Number({ minimum: 0, maximum: 1e12 })),
      /** ISO 3166-1 alpha-2. */
      country: Type.Optional(Type.String({ pattern: '^[A-Z]{2}$' })),
      jobTitle: Type.Optional(Type.String({ maxLength: 200 })),
      source: Type.Optional(Type.Enum(SOURCES)),
      message: Type.Optional(Type.String({ maxLength: 4_000 })),
    },
    { additionalProperties: false },
  ),
  tables: [leads],

  async handle({ payload }, ctx) {
    const email = payload.email.toLowerCase()
    const mailDomain = email.slice(email.lastIndexOf('@') + 1)
    const domain = payload.domain?.toLowerCase() ?? mailDomain
    const firmographics = await ctx.enrich('firmographics', () => firmographicsOf(domain))
    const intents = await ctx.enrich('intent', () => intentsOf(payload.message ?? ''))
    const { employees, budgetEur, country, jobTitle, source } = payload
    const facts = { mailDomain, employees, budgetEur, country, jobTitle, source, firmographics, intents }
    const { score, grade, explanations } = qualify(facts)
    const row = {
      email,
      company: payload.company,
      domain,
      country: country ?? firmographics?.country,
      source,
      score,
      grade,
      rules_version: RULES_VERSION,
    }
    return { result: { score, grade, explanations }, writes: [{ table: leads.name, row }] }
  },
})

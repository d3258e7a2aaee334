import { describe, expect, test } from 'vitest'
import { anEnvelope, fromLog, LEADS, lead, NOON_MS, ofRow, rowFor, type StoreBench } from './fixture.ts'

export function commitTests(bench: () => StoreBench): void {
  describe('a committed outcome', () => {
    test('is found again with everything that is known of its job', async () => {
      const { store } = bench()
      const envelope = anEnvelope({ tier: 'critical' })
      const result = {
        score: 71,
        tags: ['a "quoted"', 'back\\slash', 'ünïcödé 🦊', '{curly},NULL', 'a\x1fb'],
      }
      const outcome = fromLog({
        envelope,
        pool: 'b',
        state: 'thin',
        result: JSON.stringify(result),
        skipped: ['firmographics', 'news'],
      })
      expect(await store.commit([outcome])).toEqual([{ verdict: 'applied' }])
      expect(await store.find(envelope.id)).toEqual({
        id: envelope.id,
        tenant: 'acme',
        kind: 'test.echo',
        pool: 'b',
        tier: 'critical',
        state: 'thin',
        attempt: 1,
        acceptedAtMs: NOON_MS,
        updatedAtMs: NOON_MS + 5,
        dueAtMs: undefined,
        traceparent: envelope.traceparent,
        result,
        error: undefined,
        skipped: ['firmographics', 'news'],
        history: [],
      })
    })

    test('of a job that nobody knows is not found', async () => {
      expect(await bench().store.find(anEnvelope().id)).toBeUndefined()
      expect(await bench().store.find('no id at all\0')).toBeUndefined()
    })

    test('keeps its envelope while its job may run again, and only then', async () => {
      const { store } = bench()
      const states = ['done', 'thin', 'retry', 'parked', 'dead'] as const
      await store.commit(states.map((state) => fromLog({ state, dueAtMs: NOON_MS })))
      const rows = await bench().rows('select state, envelope is not null as kept from spillway.jobs')
      expect(Object.fromEntries(rows.map(({ state, kept }) => [state, kept]))).toEqual({
        done: false,
        thin: true,
        retry: true,
        parked: true,
        dead: true,
      })
    })

    test('keeps a result of null, 0, false and text apart', async () => {
      const { store } = bench()
      for (const result of [0, false, '', 'null', []]) {
        const outcome = fromLog({ result: JSON.stringify(result) })
        await store.commit([outcome])
        expect((await store.find(outcome.envelope.id))?.result).toEqual(result)
      }
    })

    test('keeps its own result beside jobs without one, first, last and between, and with U+001F in its text', async () => {
      const { store } = bench()
      const results = [undefined, '"a\x1fb"', null, undefined, ['\x1f'], undefined, 'c', undefined]
      const outcomes = results.map((result) =>
        fromLog(result === undefined ? {} : { result: JSON.stringify(result) }),
      )
      await store.commit(outcomes)
      const found = await Promise.all(outcomes.map(({ envelope }) => store.find(envelope.id)))
      // A result of null and none at all read the same.
      expect(found.map((row) => row?.result ?? undefined)).toEqual(results.map((one) => one ?? undefined))
    })

    test('keeps rows apart whose texts and JSON hold U+001F', async () => {
      const rows = ['a\x1fb', '\x1f', 'c'].map((domain) => ({ domain, data: { text: `${domain}\x1f` } }))
      await bench().store.commit(rows.map((row) => fromLog({ writes: [rowFor('leads', row)] })))
      const stored = await bench().rows('select domain, data from leads')
      expect(stored).toHaveLength(rows.length)
      expect(stored).toEqual(expect.arrayContaining(rows))
    })

    test('an empty batch is nothing to do', async () => {
      expect(await bench().store.commit([])).toEqual([])
    })

    test('a batch of thousands is one statement', async () => {
      const { store } = bench()
      const outcomes = Array.from({ length: 3_000 }, (_, i) => fromLog({ writes: [lead(`d${i % 100}`, i)] }))
      const verdicts = await store.commit(outcomes)
      expect(new Set(verdicts.map(({ verdict }) => verdict))).toEqual(new Set(['applied']))
      expect(await bench().rows('select count(*)::integer as n, min(score) as min from leads')).toEqual([
        { n: 100, min: 2_900 },
      ])
    })
  })

  describe("a handler's writes", () => {
    test('are stored under the tenant and id of their job, every type as it was', async () => {
      const { store } = bench()
      const row = {
        domain: 'acme.test',
        score: -5,
        views: 2 ** 40,
        weight: 0.1,
        hot: true,
        data: { deep: [1, 'x"y', null] },
        seen_at: new Date(NOON_MS),
      }
      const outcome = fromLog({ job: { tenant: 'globex' }, writes: [rowFor('leads', row)] })
      await store.commit([outcome])
      const [stored] = await bench().rows('select * from leads')
      expect({ ...stored, views: Number(stored?.views) }).toEqual({
        ...row,
        tenant: 'globex',
        job_id: outcome.envelope.id,
      })
    })

    test('replace the row of the same key: columns left out become null', async () => {
      const { store } = bench()
      await store.commit([fromLog({ writes: [rowFor('leads', { domain: 'a', score: 1, hot: true })] })])
      await store.commit([fromLog({ writes: [rowFor('leads', { domain: 'a', weight: 2 })] })])
      expect(await bench().rows('select score, hot, weight from leads')).toEqual([
        { score: null, hot: null, weight: 2 },
      ])
    })

    test('to one key twice in a batch keep the last, by job and by write', async () => {
      const { store } = bench()
      const jobs = [
        fromLog({ writes: [lead('a', 1), lead('b', 1), lead('a', 2)] }),
        fromLog({ writes: [lead('b', 2)] }),
      ]
      // The order of the batch counts, whatever the order of the ids.
      for (const batch of [jobs, [...jobs].reverse().map((job) => ({ ...job, envelope: anEnvelope() }))]) {
        await store.commit(batch)
        const last = batch.at(-1)?.writes.length === 1 ? 2 : 1
        expect(await bench().rows('select domain, score from leads order by domain')).toEqual([
          { domain: 'a', score: 2 },
          { domain: 'b', score: last },
        ])
      }
    })

    test('of two tenants to the same key are two rows', async () => {
      const { store } = bench()
      const write = { writes: [lead('a', 1)] }
      await store.commit([
        fromLog({ job: { tenant: 'acme' }, ...write }),
        fromLog({ job: { tenant: 'globex' }, ...write }),
      ])
      expect(await bench().rows('select tenant from leads order by tenant')).toEqual([
        { tenant: 'acme' },
        { tenant: 'globex' },
      ])
    })

    test('may go to several tables, whose names and columns may be keywords', async () => {
      const { store } = bench()
      const order = (position: number) => rowFor('order', { user: 'u', position })
      await store.commit([fromLog({ writes: [order(1), lead('a', 1), order(2), order(1)] })])
      expect(await bench().rows('select "position" from "order" order by 1')).toEqual([
        { position: 1 },
        { position: 2 },
      ])
      expect(await bench().rows('select score from leads')).toEqual([{ score: 1 }])
    })

    test('of an outcome that is not applied do not happen', async () => {
      const { store } = bench()
      const first = fromLog({ writes: [lead('a', 1)] })
      await store.commit([first])
      const again = { ...first, writes: [lead('a', 2), lead('b', 2)] }
      const twice = fromLog({ writes: [lead('c', 3)] })
      await store.commit([again, twice, { ...twice, writes: [lead('c', 4), lead('d', 4)] }])
      expect(await bench().rows('select domain, score from leads order by domain')).toEqual([
        { domain: 'a', score: 1 },
        { domain: 'c', score: 3 },
      ])
    })

    test("of a redelivery do not slip in with those of the same job's run", async () => {
      const { store } = bench()
      const first = fromLog({ state: 'retry', dueAtMs: NOON_MS })
      await store.commit([first])
      const [claimed] = await store.claimDue('a', NOON_MS, 1)
      const verdicts = await store.commit([
        { ...first, state: 'done', writes: [lead('redelivered', 1)] },
        ofRow(claimed!.envelope, { writes: [lead('run', 1)] }),
      ])
      expect(verdicts.map(({ verdict }) => verdict)).toEqual(['duplicate', 'applied'])
      expect(await bench().rows('select domain from leads')).toEqual([{ domain: 'run' }])
    })

    test('and the job are one transaction: neither is stored when one is refused', async () => {
      const { store } = bench()
      const outcome = fromLog({ writes: [rowFor('leads', { domain: 'a', seen_at: 'no time' })] })
      await expect(store.commit([outcome])).rejects.toMatchObject({ isDataError: true })
      expect(await store.find(outcome.envelope.id)).toBeUndefined()
      expect(await bench().rows(`select * from ${LEADS.name}`)).toEqual([])
    })
  })
}

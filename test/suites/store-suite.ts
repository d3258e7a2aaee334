import { afterAll, beforeAll, beforeEach, describe } from 'vitest'
import type { Sql } from '../../runtime/store/sql.ts'
import { checkedTextTests } from './store/checked-text.ts'
import { claimTests } from './store/claims.ts'
import { commitTests } from './store/commits.ts'
import { dataTests } from './store/data.ts'
import { duplicateTests } from './store/duplicates.ts'
import { StoreBench } from './store/fixture.ts'
import { quarantineTests } from './store/quarantine.ts'
import { releaseTests } from './store/releases.ts'
import { schemaTests } from './store/schema.ts'
import { transitionTests } from './store/transitions.ts'

/** What the job table guarantees on every database. `makeSql` is called once; its database is emptied for every test. */
export function storeSuite(name: string, makeSql: () => Promise<Sql>): void {
  describe(name, () => {
    let bench: StoreBench
    beforeAll(async () => {
      bench = new StoreBench(await makeSql())
    })
    beforeEach(() => bench.reset())
    afterAll(() => bench?.sql.close())

    for (const tests of [
      commitTests,
      duplicateTests,
      transitionTests,
      claimTests,
      releaseTests,
      quarantineTests,
      dataTests,
      checkedTextTests,
      schemaTests,
    ])
      tests(() => bench)
  })
}

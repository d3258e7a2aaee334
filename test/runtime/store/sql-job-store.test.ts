import { PGlite } from '@electric-sql/pglite'
import { PgliteSql } from '../../../runtime/store/pglite-sql.ts'
import { storeSuite } from '../../suites/store-suite.ts'

storeSuite('the job table on PGlite', async () => new PgliteSql(await PGlite.create()))

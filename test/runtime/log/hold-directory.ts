/** Run as a process of its own by the tests: locks `<directory>`, says `locked` or why not, and stays until killed. */
import { writeSync } from 'node:fs'
import { lockDataDirectory } from '../../../runtime/log/data-directory.ts'

const [directory] = process.argv.slice(2)
try {
  await lockDataDirectory(directory!)
  writeSync(1, 'locked\n')
} catch (error) {
  writeSync(1, `${(error as Error).message}\n`)
}
setInterval(() => {}, 60_000)

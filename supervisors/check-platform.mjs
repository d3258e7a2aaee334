// For `--import`, and the first thing an entry point does: ends the process where it cannot run.
import { platformProblem, thisPlatform } from './platform.mjs'

const problem = platformProblem(thisPlatform())
if (problem !== undefined) {
  console.error(`spillway: ${problem}`)
  process.exit(78)
}

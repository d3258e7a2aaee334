import { ingress } from './ingress.ts'
import { kernel } from './kernel.ts'
import { exitOnSignals } from './load/exit-on-signals.ts'
import { pipeline } from './pipeline.ts'
import { type BenchResult, report } from './report.ts'
import { steady } from './steady.ts'

/** `npm run bench -- NAME [--seed N]`, that is `node bench/run.ts NAME`: measures, prints, keeps. */
const BENCHES: Readonly<Record<string, (seed: number) => Promise<BenchResult>>> = {
  ingress,
  kernel,
  pipeline,
  steady,
}

const [name = '', flag, value] = process.argv.slice(2)
const bench = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined
const seed = flag === '--seed' ? Number(value) : 1
if (!bench || !Number.isInteger(seed) || (flag !== undefined && flag !== '--seed')) {
  console.error(`usage: npm run bench -- NAME [--seed N]; NAME is one of ${Object.keys(BENCHES).join(', ')}`)
  process.exit(2)
}
exitOnSignals()
report(await bench(seed))

import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { dataDirIn } from '../load/node.ts'
import { Ledger } from './ledger.ts'
import { NodeProcess } from './node-process.ts'
import type { ScenarioOptions, ScenarioResult } from './scenario.ts'
import { Sender } from './sender.ts'
import { judgeSyncs, TRACED } from './sync-judge.ts'
import { Workload } from './workload.ts'

/** A node works under strace for a moment, and its system calls are judged (`sync-judge.ts`). */
const ACCEPTED_MIN = 300
const RATE_PER_SECOND = 300
const LOAD_MS = 2_000
/** More than any write has: what strace cuts off cannot be found. */
const STRING_BYTES_MAX = 16 * 1024 * 1024
const COMPLETE = /\+\+\+ (exited|killed)[^\n]*\n$/

/** Whether there is a strace to work with. */
export const hasStrace = (): boolean => spawnSync('strace', ['-V']).status === 0

export async function syncTrace(options: ScenarioOptions): Promise<ScenarioResult> {
  const { seed, directory, entry, acceptedMin = ACCEPTED_MIN, say } = options
  if (!hasStrace())
    throw new Error(
      'strace is not there: install it (apt-get install strace), it shows when the log is synced',
    )
  const dataDir = dataDirIn(directory)
  const file = join(directory, 'strace.txt')
  const ledger = new Ledger()
  const sender = new Sender({ workload: new Workload(seed), ledger, seed })
  const node = await NodeProcess.start({
    dataDir,
    ...(entry ? { entry } : {}),
    // -D: the node is our child, and strace its grandchild.
    under: [
      'strace',
      '-D',
      '-f',
      '--seccomp-bpf',
      '-yy',
      '-s',
      String(STRING_BYTES_MAX),
      '-e',
      `trace=${TRACED}`,
      '-o',
      file,
    ],
  })
  let accepted = 0
  try {
    await sender.load({
      port: node.httpPort,
      round: 0,
      ratePerSecond: RATE_PER_SECOND,
      durationMs: LOAD_MS,
      onVerdict: ({ verdict }) => {
        if (verdict === 'accepted') accepted++
      },
    })
    await node.stop()
  } finally {
    await node.end()
  }
  const trace = await completeTrace(file)
  say(`traced: ${accepted} accepted under strace, ${trace.split('\n').length} system calls`)
  const weaknesses =
    accepted < acceptedMin ? [`only ${accepted} of ${acceptedMin} jobs accepted under strace`] : []
  return { judgements: [judgeSyncs(trace, resolve(dataDir, 'log', 'data.mdb'))], weaknesses }
}

/** The tracer writes its last lines after the node is gone. */
async function completeTrace(file: string): Promise<string> {
  const deadline = performance.now() + 5_000
  for (;;) {
    const trace = readFileSync(file, 'utf8')
    if (COMPLETE.test(trace)) return trace
    if (performance.now() > deadline) throw new Error(`strace has not finished ${file}`)
    await new Promise((wake) => setTimeout(wake, 20))
  }
}

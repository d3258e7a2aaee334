import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describeExit } from '../runtime/actor/exit-reason.ts'
import { ConfigError } from '../runtime/config/config-error.ts'
import { describeSettings } from '../runtime/config/describe-settings.ts'
import { loadConfig } from '../runtime/config/load-config.ts'
import { createLogger } from '../runtime/observe/logger.ts'
import { banner } from './banner.ts'
import { EXIT } from './exit-codes.ts'
import { type NodeParts, type RunningNode, startNode } from './node.ts'

export const startHelp = (): string =>
  `spillway start [flags]: runs a node until SIGTERM or Ctrl-C.\n\n${describeSettings().help}\n\n${EXIT_CODES}\n`

const EXIT_CODES = `Exit codes:
  ${EXIT.ok}    drained and stopped
  ${EXIT.gaveUp}   gave up after too many failures: start it again
  ${EXIT.couldNotStart}   could not start, for example because its directory or its port is taken
  ${EXIT.cut}   stopped at the drain deadline with work under way, which is in the log
  ${EXIT.badConfiguration}   wrong configuration, or a platform that it can't run on
  ${EXIT.interrupted}  ended at once by a second Ctrl-C (143: by a second SIGTERM)`

/** A terminal's Ctrl-C reaches npm and the node, and npm passes it on: the same one comes twice. */
const SAME_SIGNAL_MS = 500

const BUILT_IN_HANDLERS = fileURLToPath(new URL('../actors/handlers', import.meta.url))

/** Runs a node to its end; resolves with the exit code of the process. */
export async function start(argv: readonly string[], parts?: NodeParts): Promise<number> {
  let loaded: ReturnType<typeof loadConfig>
  try {
    loaded = loadConfig({
      argv,
      env: process.env,
      readFile: (path) => readFileSync(path, 'utf8'),
      defaults: { 'handlers.directory': BUILT_IN_HANDLERS },
    })
  } catch (cause) {
    if (!(cause instanceof ConfigError)) throw cause
    console.error(cause.message)
    return EXIT.badConfiguration
  }
  const { config } = loaded
  const log = createLogger(config.observe.logLevel, config.observe.logFormat)
  let node: RunningNode | undefined
  let stopped: Promise<'drained' | 'cut'> | undefined
  let signalledAtMs: number | undefined
  const onSignal = (signal: NodeJS.Signals): void => {
    const nowMs = performance.now()
    if (signalledAtMs !== undefined) {
      if (nowMs - signalledAtMs > SAME_SIGNAL_MS) endAtOnce(signal)
      return
    }
    signalledAtMs = nowMs
    const { drainTimeoutMs } = config.node
    process.stdout.write(`${signal}: draining, ${drainTimeoutMs} ms at most; once more ends at once\n`)
    stopped = node?.stop()
  }
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal)
  try {
    node = await startNode(config, log, parts)
  } catch (cause) {
    console.error(`spillway: the node could not start: ${(cause as Error).message}`)
    log.debug({ err: cause }, 'where it could not start')
    return EXIT.couldNotStart
  }
  if (signalledAtMs !== undefined) stopped = node.stop()
  else process.stdout.write(banner(config, node, performance.now()))
  void node.firstStored.then(({ id, afterMs }) =>
    process.stdout.write(`  the first job is stored, ${afterMs} ms after it was accepted: ${id}\n`),
  )
  const reason = await node.exited
  if (stopped !== undefined) {
    const isCut = (await stopped) === 'cut'
    process.stdout.write(
      isCut ? 'stopped in time, not drained: the rest is in the log\n' : 'drained and stopped\n',
    )
    return isCut ? EXIT.cut : EXIT.ok
  }
  log.fatal({ reason: describeExit(reason) }, 'the root of the tree has given up')
  return EXIT.gaveUp
}

/**
 * Dies of the signal as if nobody listened to it. `process.exit` first joins every thread, and one that is stuck in native
 * code would keep the process. It serves where the kernel keeps signals from process 1 (a container without an init).
 */
function endAtOnce(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal)
  process.kill(process.pid, signal)
  process.exit(EXIT.interrupted)
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { NodeClient } from './node-client.ts'
import { until } from './until.ts'

const ENTRY = fileURLToPath(new URL('../../supervisors/spillway.mjs', import.meta.url))

/** The command `spillway` as a process of its own, with what it has written. */
export class SpillwayProcess {
  stdout = ''
  stderr = ''
  /** The exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
  readonly #process: ChildProcess

  /** Without this process's environment: settings and flags of Node that tests run with are not the node's. */
  constructor(argv: readonly string[]) {
    const env = { PATH: process.env.PATH }
    const child = spawn(process.execPath, [ENTRY, ...argv], { env, stdio: ['ignore', 'pipe', 'pipe'] })
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.stderr += text
    })
    this.#process = child
    this.ended = once(child, 'close').then(([code, signal]) => code ?? signal)
  }

  get pid(): number {
    return this.#process.pid ?? 0
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name)
  }

  /** Waits for a text on stdout; fails at once when the process ends without it. */
  async says(text: string | RegExp, timeoutMs = 30_000): Promise<RegExpMatchArray> {
    let ended: number | NodeJS.Signals | undefined
    void this.ended.then((how) => {
      ended = how
    })
    return until(
      () => {
        const match = this.stdout.match(text)
        if (!match && ended !== undefined)
          throw new Error(`ended with ${ended} without saying ${text}:\n${this.stdout}${this.stderr}`)
        return match
      },
      `${text} on stdout`,
      { timeoutMs },
    )
  }
}

/** A node in a process of its own, on free ports. `atEnd` is `afterAll` or `onTestFinished`: it ends with that, at the latest. */
export async function startNodeProcess(
  dataDir: string,
  flags: readonly string[],
  atEnd: (end: () => Promise<void>) => void,
): Promise<{ process: SpillwayProcess; client: NodeClient }> {
  const argv = ['start', '--data-dir', dataDir, '--port', '0', '--operations-port', '0', ...flags]
  const node = new SpillwayProcess(argv)
  atEnd(async () => {
    node.signal('SIGKILL')
    await node.ended
  })
  const [, http, operations] = await node.says(
    /jobs +http:\/\/127\.0\.0\.1:(\d+)\/.*operations +http:\/\/127\.0\.0\.1:(\d+)\//s,
  )
  return { process: node, client: new NodeClient({ http: Number(http), operations: Number(operations) }) }
}

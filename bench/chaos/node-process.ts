import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { keysFile } from '../load/mix.ts'
import { CHAOS_HANDLERS } from './workload.ts'

/** A node in a process of its own, as chaos runs start it: the handlers and the tenants of `workload.ts`, free ports. */
export interface NodeOptions {
  dataDir: string
  /** The module that starts it, with what goes before its command; the product's by default. */
  entry?: readonly string[]
  /** What runs the command, for example a tracer; it must leave the node its child's process. */
  under?: readonly string[]
  flags?: readonly string[]
}

const ENTRY = [fileURLToPath(new URL('../../supervisors/spillway.mjs', import.meta.url))]
const LISTENS = /jobs +http:\S+:(\d+)\/[\s\S]*operations +http:\S+:(\d+)\//
const OUTPUT_CHARS_MAX = 200_000

/** Those that run: none of them outlives this process. */
const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})

export class NodeProcess {
  readonly dataDir: string
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
  httpPort = 0
  operationsPort = 0
  /** What it has written, stdout and stderr, of very much the end. */
  output = ''
  readonly #child: ChildProcess

  private constructor({ dataDir, entry = ENTRY, under = [], flags = [] }: NodeOptions) {
    const keys = `${dataDir}.keys.json`
    writeFileSync(keys, JSON.stringify(keysFile()))
    const [command = '', ...args] = [
      ...under,
      process.execPath,
      ...[...entry, 'start', '--data-dir', dataDir, '--port', '0', '--operations-port', '0'],
      ...['--auth-mode', 'keys', '--auth-keys-file', keys, '--handlers-directory', CHAOS_HANDLERS],
      ...['--observe-log-level', 'warn', ...flags],
    ]
    const child = spawn(command, args, {
      env: { PATH: process.env.PATH },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.dataDir = dataDir
    this.#child = child
    running.add(child)
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.output = (this.output + text).slice(-OUTPUT_CHARS_MAX)
      })
    this.ended = once(child, 'close').then(([code, signal]) => {
      running.delete(child)
      return code ?? signal
    })
  }

  /** Resolves when it listens; rejects, with all it said, when it ends before. */
  static async start(options: NodeOptions): Promise<NodeProcess> {
    const node = new NodeProcess(options)
    const listens = await node.says(LISTENS)
    if (!listens)
      throw new Error(`the node ended with ${await node.ended} before it listened:\n${node.output}`)
    const [, http, operations] = listens
    node.httpPort = Number(http)
    node.operationsPort = Number(operations)
    return node
  }

  /** Waits for what it writes; undefined when it ends before. */
  async says(text: RegExp): Promise<RegExpExecArray | undefined> {
    const { promise, resolve } = Promise.withResolvers<RegExpExecArray | undefined>()
    const look = (): void => {
      const match = text.exec(this.output)
      if (match) resolve(match)
    }
    this.#child.stdout?.on('data', look)
    void this.ended.then(() => resolve(undefined))
    look()
    const match = await promise
    this.#child.stdout?.off('data', look)
    return match
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Ends it for good, however it is. */
  async end(): Promise<void> {
    this.signal('SIGKILL')
    await this.ended
  }
}

/** Where in a run's directory a node keeps its data. */
export const dataDirIn = (directory: string): string => join(directory, 'data')

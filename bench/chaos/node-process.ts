import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
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
  env?: Readonly<Record<string, string>>
  /** Where it listens; on free ports by default, which are others after a restart of the actor that listens. */
  ports?: { http: number; operations: number }
}

const ENTRY = [fileURLToPath(new URL('../../supervisors/spillway.mjs', import.meta.url))]
const LISTENS = /jobs +http:\S+:(\d+)\/[\s\S]*operations +http:\S+:(\d+)\//
const OUTPUT_CHARS_MAX = 200_000
/** More than a start on any data of a run takes. */
const START_MS_MAX = 60_000
/** Twice the time in which a node has to stop: one that takes longer is ended, and judged by that. */
const STOP_MS_MAX = 20_000

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
  readonly #listeners = new Set<(line: string) => void>()

  private constructor({ dataDir, entry = ENTRY, under = [], flags = [], env = {}, ports }: NodeOptions) {
    const keys = `${dataDir}.keys.json`
    writeFileSync(keys, JSON.stringify(keysFile()))
    const [command = '', ...args] = [
      ...under,
      process.execPath,
      ...[...entry, 'start', '--data-dir', dataDir],
      ...['--port', String(ports?.http ?? 0), '--operations-port', String(ports?.operations ?? 0)],
      ...['--auth-mode', 'keys', '--auth-keys-file', keys, '--handlers-directory', CHAOS_HANDLERS],
      ...['--observe-log-level', 'warn', ...flags],
    ]
    const child = spawn(command, args, {
      env: { PATH: process.env.PATH, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.dataDir = dataDir
    this.#child = child
    running.add(child)
    for (const stream of [child.stdout, child.stderr])
      createInterface({ input: stream }).on('line', (line) => {
        this.output = `${this.output}${line}\n`.slice(-OUTPUT_CHARS_MAX)
        for (const listener of this.#listeners) listener(line)
      })
    this.ended = once(child, 'close').then(([code, signal]) => {
      running.delete(child)
      return code ?? signal
    })
  }

  /** Resolves when it listens; rejects, with all it said, when it ends before, or does not listen in time. */
  static async start(options: NodeOptions): Promise<NodeProcess> {
    const node = new NodeProcess(options)
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      node.signal('SIGKILL')
    }, START_MS_MAX)
    const listens = await node.says(LISTENS)
    clearTimeout(timer)
    if (isLate) {
      await node.ended
      throw new Error(`the node did not listen within ${START_MS_MAX} ms and was killed:\n${node.output}`)
    }
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
    const unhear = this.hear(look)
    void this.ended.then(() => resolve(undefined))
    look()
    const match = await promise
    unhear()
    return match
  }

  /** Calls back for each line that it writes from now on, until the function returned is called. */
  hear(listener: (line: string) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name)
  }

  /** Tells it to stop; resolves with how it ended: `SIGKILL` where it did not in `STOP_MS_MAX`. */
  async stop(): Promise<number | NodeJS.Signals> {
    const timer = setTimeout(() => this.signal('SIGKILL'), STOP_MS_MAX)
    this.signal('SIGTERM')
    const how = await this.ended
    clearTimeout(timer)
    return how
  }

  /** Ends it for good, however it is. */
  async end(): Promise<void> {
    this.signal('SIGKILL')
    await this.ended
  }
}

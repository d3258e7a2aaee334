import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { cpuSecondsOf, mainThreadCpuSecondsOf } from './cpu-seconds.ts'

/** A server under load, as a process of its own: its first lines that match say on which ports it listens. */
export class ServerProcess {
  /** In the order of the patterns. */
  readonly ports: readonly number[]
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, ports: readonly number[]) {
    this.#child = child
    this.ports = ports
  }

  /** The server prints one line for each of `portsIn`, in their order. */
  static async start(args: readonly string[], ...portsIn: readonly RegExp[]): Promise<ServerProcess> {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    process.once('exit', () => child.kill('SIGKILL'))
    const ports: number[] = []
    for await (const line of createInterface({ input: child.stdout })) {
      const port = portsIn[ports.length]?.exec(line)?.[1]
      if (port === undefined) continue
      ports.push(Number(port))
      if (ports.length < portsIn.length) continue
      // Nobody reads on: a full pipe must not stop the server.
      child.stdout.resume()
      return new ServerProcess(child, ports)
    }
    throw new Error(`${args.join(' ')} ended before it listened`)
  }

  /** The first of its ports. */
  get port(): number {
    return this.ports[0] ?? 0
  }

  /** CPU seconds used so far, all threads, user and system (Linux). */
  cpuSeconds(): number {
    return cpuSecondsOf(this.#child.pid ?? 0)
  }

  /** The same of its main thread alone. */
  mainThreadCpuSeconds(): number {
    return mainThreadCpuSecondsOf(this.#child.pid ?? 0)
  }

  /** Resident memory in MiB (Linux), the pages of mapped files included. */
  residentMib(): number {
    return this.#statusMib('VmRSS')
  }

  /** Resident memory that no file stands behind, in MiB (Linux): heaps, buffers, stacks. */
  anonymousMib(): number {
    return this.#statusMib('RssAnon')
  }

  #statusMib(name: string): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8')
    return Number(new RegExp(`${name}:\\s+(\\d+) kB`).exec(status)?.[1] ?? Number.NaN) / 1024
  }

  async stop(): Promise<void> {
    // One that a signal has ended has no exit code.
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    this.#child.kill('SIGTERM')
    await once(this.#child, 'exit')
  }
}

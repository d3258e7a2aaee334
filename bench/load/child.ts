import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

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
    return cpuSecondsIn(`/proc/${this.#child.pid}/stat`)
  }

  /** The same of its main thread alone. */
  mainThreadCpuSeconds(): number {
    return cpuSecondsIn(`/proc/${this.#child.pid}/task/${this.#child.pid}/stat`)
  }

  /** Resident memory in MiB (Linux). */
  residentMib(): number {
    const status = readFileSync(`/proc/${this.#child.pid}/status`, 'utf8')
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1024
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return
    this.#child.kill('SIGTERM')
    await once(this.#child, 'exit')
  }
}

/** `USER_HZ`: 100 on every Linux that Node runs on. */
const CLOCK_TICKS_PER_SECOND = 100

function cpuSecondsIn(statPath: string): number {
  const fields = readFileSync(statPath, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND
}

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** A server under load, as a process of its own: its first line that matches says on which port it listens. */
export class ServerProcess {
  readonly port: number
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, port: number) {
    this.#child = child
    this.port = port
  }

  static async start(args: readonly string[], portIn: RegExp): Promise<ServerProcess> {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    process.once('exit', () => child.kill('SIGKILL'))
    for await (const line of createInterface({ input: child.stdout })) {
      const port = portIn.exec(line)?.[1]
      if (port === undefined) continue
      // Nobody reads on: a full pipe must not stop the server.
      child.stdout.resume()
      return new ServerProcess(child, Number(port))
    }
    throw new Error(`${args.join(' ')} ended before it listened`)
  }

  /** CPU seconds used so far, all threads, user and system (Linux). */
  cpuSeconds(): number {
    const fields = readFileSync(`/proc/${this.#child.pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? []
    return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND
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

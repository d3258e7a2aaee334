import { spawn } from 'node:child_process'
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { cpuSecondsOf } from './cpu-seconds.ts'

/**
 * Closed loop by wrk (https://github.com/wg/wrk): each connection sends its next request when it has the answer to the
 * last. It finds the highest rate, at a tenth of what a server and a generator on Node cost together; its latencies are
 * those at saturation.
 */
export interface WrkResult {
  answered: number
  seconds: number
  /** Answers of status 400 and above. */
  refused: number
  /** Errors of connections, and time-outs. */
  unanswered: number
  p50Ms: number
  p99Ms: number
  p999Ms: number
  /** What wrk used of one core: near 1 it is what is measured. */
  cpuShare: number
}

const SCRIPT = join(import.meta.dirname, 'wrk.lua')
const CPU_POLL_MS = 100

/** Rejects when wrk is not there, ends otherwise than it should, or sends all of `requestsFile` before its time. */
export function wrk(options: {
  url: string
  connections: number
  seconds: number
  requestsFile: string
  /** Begin again at the end of the file, for servers that do not care. */
  again?: boolean
}): Promise<WrkResult> {
  const { url, connections, seconds, requestsFile, again = false } = options
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '-s', SCRIPT, url, '--', requestsFile]
  const child = spawn('wrk', [...args, again ? 'again' : 'once'], { stdio: ['ignore', 'pipe', 'inherit'] })
  const stop = (): unknown => child.kill('SIGKILL')
  process.once('exit', stop)
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  let cpuSeconds = 0
  const poll = setInterval(() => {
    if (child.exitCode === null && child.signalCode === null) cpuSeconds = cpuSecondsOf(child.pid ?? 0)
  }, CPU_POLL_MS)
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(new Error('wrk is not there: apt-get install wrk', { cause })))
    child.once('close', (code) => {
      const result = /^result (.*)$/m.exec(output)?.[1]
      if (code !== 0 || result === undefined) reject(new Error(`wrk ended with ${code}: ${output}`))
      else resolve({ ...JSON.parse(result), cpuShare: cpuSeconds / seconds })
    })
  }).finally(() => {
    clearInterval(poll)
    process.off('exit', stop)
  }) as Promise<WrkResult>
}

/** Writes requests as `wrk.lua` reads them: a line with the length, then the request. */
export function writeRequests(path: string, count: number, next: () => string): void {
  const file = openSync(path, 'w')
  let chunk = ''
  for (let i = 0; i < count; i++) {
    const request = next()
    chunk += `${request.length}\n${request}`
    if (chunk.length < CHUNK_CHARS && i < count - 1) continue
    writeSync(file, chunk, null, 'latin1')
    chunk = ''
  }
  closeSync(file)
}

const CHUNK_CHARS = 1024 * 1024

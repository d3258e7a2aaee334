import { Agent, type IncomingHttpHeaders, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { until } from './until.ts'

export interface Reply {
  status: number
  headers: IncomingHttpHeaders
  text: string
  /** The body as JSON, for assertions. */
  json: Record<string, unknown>
}

export interface Call {
  method?: string
  path?: string
  headers?: Record<string, string>
  body?: string | Uint8Array
  agent?: Agent
}

/** One request over a connection of its own, unless an agent is given. */
export function call(
  port: number,
  { method = 'GET', path = '/', headers = {}, body, agent }: Call,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: '127.0.0.1', port, method, path, headers, agent: agent ?? false },
      (incoming) => {
        const chunks: Buffer[] = []
        incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            text,
            get json() {
              return JSON.parse(text)
            },
          })
        })
      },
    )
    outgoing.on('error', reject)
    outgoing.end(body)
  })
}

/** An agent that keeps one connection open, closed after the test. */
export function keepAlive(): Agent {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  onTestFinished(() => agent.destroy())
  return agent
}

/** A bare connection, for what no proper client sends. */
export class RawClient {
  received = ''
  closed = false
  readonly #socket: Socket

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1')
    this.#socket.setNoDelay(true)
    this.#socket.on('data', (chunk: Buffer) => {
      this.received += chunk.toString()
    })
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => {
      this.closed = true
    })
    onTestFinished(() => this.destroy())
  }

  send(bytes: string | Uint8Array): void {
    this.#socket.write(bytes)
  }

  async receives(text: string): Promise<string> {
    await until(() => this.received.includes(text), `"${text}" in ${JSON.stringify(this.received)}`)
    return this.received
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

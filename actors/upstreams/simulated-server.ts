import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { BOUNDS } from '../../runtime/config/bounds.ts'

/** What the two simulated upstreams share: a real HTTP server on the loopback, bounded bodies, an end that ends at once. */
export interface SimulatedServer {
  /** `http://127.0.0.1:<port>` */
  url: string
  /** Cuts what is under way. */
  close(): Promise<void>
}

export interface Exchange {
  method: string
  path: string
  headers: IncomingMessage['headers']
  body: Buffer
  response: ServerResponse
  /** Aborted when the client has gone or the server closes: nobody waits for the answer any more. */
  gone: AbortSignal
}

const BODY_BYTES_MAX = BOUNDS.simulator.bodyBytesMax

/** Port 0 takes any that is free. Rejects when the port is taken. */
export async function startSimulatedServer(
  port: number,
  answer: (exchange: Exchange) => Promise<void>,
): Promise<SimulatedServer> {
  const server = createServer((request, response) => {
    serve(request, response, answer).catch(() => response.destroy())
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  answer: (exchange: Exchange) => Promise<void>,
): Promise<void> {
  const gone = new AbortController()
  response.once('close', () => gone.abort())
  const body = await readBody(request)
  if (body === undefined) {
    // Unread bytes would make the close a reset, and the client would lose the answer.
    request.resume()
    response.writeHead(413, { connection: 'close' }).end()
    return
  }
  const { method = 'GET', url = '/', headers } = request
  await answer({ method, path: url.split('?', 1)[0] ?? url, headers, body, response, gone: gone.signal })
}

/** Undefined when it is larger than BODY_BYTES_MAX; the rest is not kept. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  // Breaking out of a for-await loop would destroy the request, and with it the way back.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

/** A JSON object; undefined for anything else. */
export function parseObject(body: Buffer): Readonly<Record<string, unknown>> | undefined {
  try {
    const value = JSON.parse(body.toString())
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

export function sendJson(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { ...headers, 'content-type': 'application/json' }).end(JSON.stringify(body))
}

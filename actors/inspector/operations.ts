import type { Logger } from 'pino'
import type { Exchange } from '../../runtime/http/exchange.ts'
import { type Address, HttpServer } from '../../runtime/http/http-server.ts'
import { type KillSources, postKill } from './kill.ts'

/**
 * The operations port: is it alive, is it ready, what does it measure, what is in it. `/healthz` looks at the event loop
 * only: a dependency that is away is no reason to end the process. `/readyz` says what is missing. `/inspect/kill` is for
 * chaos (`kill.ts`).
 */
export interface OperationsSources {
  /** What keeps the node from taking work; empty when it is ready. */
  missing(): readonly string[]
  inspect(): unknown
  metrics: { readonly contentType: string; render(): Promise<string> }
  kill: KillSources
}

export class Operations {
  readonly #server: HttpServer

  constructor(sources: OperationsSources, logger: Logger) {
    const json = (exchange: Exchange, status: number, body: unknown): void =>
      exchange.respond(status, [JSON_TYPE], `${JSON.stringify(body, undefined, 2)}\n`)
    this.#server = new HttpServer(
      [
        { method: 'GET', path: '/healthz', handle: (exchange) => json(exchange, 200, { status: 'alive' }) },
        {
          method: 'GET',
          path: '/readyz',
          handle: (exchange) => {
            const missing = sources.missing()
            json(exchange, missing.length === 0 ? 200 : 503, { ready: missing.length === 0, missing })
          },
        },
        {
          method: 'GET',
          path: '/metrics',
          handle: async (exchange) => {
            const text = await sources.metrics.render()
            exchange.respond(200, [['content-type', sources.metrics.contentType]], text)
          },
        },
        { method: 'GET', path: '/inspect', handle: (exchange) => json(exchange, 200, sources.inspect()) },
        { method: 'POST', path: '/inspect/kill', handle: (exchange) => postKill(exchange, sources.kill) },
      ],
      logger,
    )
  }

  /** Returns the port. Throws when the address cannot be had. */
  listen(address: Address): number {
    return this.#server.listen(address)
  }

  close(): void {
    this.#server.cut()
  }
}

const JSON_TYPE = ['content-type', 'application/json'] as const

import {
  App,
  type HttpRequest,
  type HttpResponse,
  type TemplatedApp,
  type us_listen_socket,
  us_listen_socket_close,
  us_socket_local_port,
} from 'uWebSockets.js'
import type { Logger } from 'pino'
import { Exchange, type ExchangeServer } from './exchange.ts'
import { emptyHttpStats, type HttpStats } from './http-stats.ts'

/**
 * HTTP/1.1 on uWebSockets.js, the one file that imports it. Runs on the main thread: ending a worker thread that
 * uses uWebSockets.js crashes the process.
 *
 * What the library does by itself, without a trace id: 100-continue; 400 for headers over 4 KiB and for bodies of
 * contradictory length; closing a connection that sends nothing for 10 s. Two things to know: it closes a connection
 * that pipelines a request behind one that is not answered yet, and of two Content-Length headers it takes the first.
 */
export class HttpServer implements ExchangeServer {
  readonly stats: HttpStats
  readonly logger: Logger
  closing = false
  readonly #app: TemplatedApp = App()
  #socket: us_listen_socket | undefined

  constructor(routes: readonly Route[], logger: Logger) {
    this.logger = logger
    this.stats = emptyHttpStats(routes.map(routeName))
    for (const route of routes) this.#add(route)
    for (const path of new Set(routes.map(({ path }) => path))) this.#addMethodNotAllowed(path, routes)
    this.#app.any(
      '/*',
      this.#handler('other', (exchange) => {
        exchange.refuse({ code: 'not-found', detail: `${exchange.method} ${exchange.path.slice(0, 200)}` })
      }),
    )
  }

  /** Returns the port: the one given, or a free one for 0. Throws when it cannot be had. */
  listen({ host, port }: Address): number {
    // By default uWebSockets.js shares a port with whoever else asks for it: two nodes would each get half of the requests.
    const app = this.#app as unknown as ExclusiveListener
    app.listen(host, port, LISTEN_EXCLUSIVE_PORT, (socket) => {
      this.#socket = socket || undefined
    })
    if (!this.#socket)
      throw new Error(`cannot listen on ${host}:${port}: no such address here, or the port is taken`)
    return us_socket_local_port(this.#socket)
  }

  /** Stops listening. Requests under way and on open connections are still served; each answer closes its connection. */
  close(): void {
    this.closing = true
    if (this.#socket) us_listen_socket_close(this.#socket)
    this.#socket = undefined
  }

  /** Closes every connection; requests under way are aborted. */
  cut(): void {
    this.close()
    this.#app.close()
  }

  #add(route: Route): void {
    const handler = this.#handler(routeName(route), route.handle)
    if (route.method === 'GET') this.#app.get(route.path, handler).head(route.path, handler)
    else this.#app.post(route.path, handler)
  }

  #addMethodNotAllowed(path: string, routes: readonly Route[]): void {
    const allow = routes
      .filter((route) => route.path === path)
      .map(({ method }) => (method === 'GET' ? 'GET, HEAD' : method))
      .join(', ')
    this.#app.any(
      path,
      this.#handler('other', (exchange) => {
        const detail = `${exchange.method}: only ${allow} here`
        exchange.refuse({ code: 'method-not-allowed', detail }, [['allow', allow]])
      }),
    )
  }

  #handler(name: string, handle: Route['handle']) {
    return (response: HttpResponse, request: HttpRequest): void => {
      this.stats.requests[name] = (this.stats.requests[name] ?? 0) + 1
      const exchange = new Exchange(this, name, response, request)
      try {
        handle(exchange)?.catch((error: unknown) => exchange.fail(error))
      } catch (error) {
        exchange.fail(error)
      }
      exchange.handled()
    }
  }
}

/** LIBUS_LISTEN_EXCLUSIVE_PORT and the overload that takes it, which its declarations leave out. */
const LISTEN_EXCLUSIVE_PORT = 1

interface ExclusiveListener {
  listen(
    host: string,
    port: number,
    options: number,
    listening: (socket: us_listen_socket | false) => void,
  ): unknown
}

export interface Route {
  /** GET answers HEAD too. */
  method: 'GET' | 'POST'
  /** uWebSockets.js pattern: `/v1/jobs/:id`. */
  path: string
  /** Answers the exchange, now or later. What it throws or rejects with is answered 500. */
  handle(exchange: Exchange): void | Promise<void>
}

export interface Address {
  host: string
  port: number
}

const routeName = ({ method, path }: Route): string => `${method} ${path}`

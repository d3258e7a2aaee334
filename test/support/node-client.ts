import { DEVELOPMENT_KEY } from '../../actors/admission/authenticate.ts'
import { call, type Reply } from './http-client.ts'
import { until } from './until.ts'

export interface NodePorts {
  http: number
  operations: number
}

/** What a client does with a node, wherever that runs; each request over a connection of its own. */
export class NodeClient {
  readonly ports: NodePorts
  readonly #key: string

  constructor(ports: NodePorts, key = DEVELOPMENT_KEY) {
    this.ports = ports
    this.#key = key
  }

  /** The same node with another API key. */
  as(key: string): NodeClient {
    return new NodeClient(this.ports, key)
  }

  post(body: unknown, headers: Record<string, string> = {}, path = '/v1/jobs'): Promise<Reply> {
    return call(this.ports.http, {
      method: 'POST',
      path,
      headers: { authorization: `Bearer ${this.#key}`, 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
    })
  }

  get(path: string, headers: Record<string, string> = {}): Promise<Reply> {
    return call(this.ports.http, { path, headers: { authorization: `Bearer ${this.#key}`, ...headers } })
  }

  /** The job once it is settled. */
  settled(id: string, timeoutMs = 15_000): Promise<Record<string, unknown>> {
    const look = async (): Promise<Record<string, unknown> | undefined> => {
      const { json } = await this.get(`/v1/jobs/${id}`)
      return ['done', 'thin', 'dead'].includes(String(json.status)) ? json : undefined
    }
    return until(look, `job ${id} is settled`, { timeoutMs, everyMs: 20 })
  }

  /** The value of one line of `/metrics`, for example `spillway_writer_commits_total{pool="a"}`; 0 when there is none. */
  async metric(line: string): Promise<number> {
    const { text } = await call(this.ports.operations, { path: '/metrics' })
    const found = text.split('\n').find((one) => one.startsWith(`${line} `))
    return found === undefined ? 0 : Number(found.slice(line.length + 1))
  }

  async inspect(): Promise<Record<string, unknown>> {
    return (await call(this.ports.operations, { path: '/inspect' })).json
  }
}

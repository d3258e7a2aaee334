import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { DEVELOPMENT_KEY } from '../../actors/admission/authenticate.ts'
import { loadConfig } from '../../runtime/config/load-config.ts'
import { type RunningNode, startNode } from '../../supervisors/node.ts'
import { call, type Reply } from './http-client.ts'
import { silentLog } from './test-system.ts'
import { until } from './until.ts'

const HANDLERS = fileURLToPath(new URL('../../actors/handlers', import.meta.url))

/** A whole node in this process, on free ports, and what a client does with it. */
export class TestNode {
  readonly node: RunningNode

  private constructor(node: RunningNode) {
    this.node = node
  }

  static async start(dataDir: string, flags: readonly string[] = []): Promise<TestNode> {
    const { config } = loadConfig({
      argv: ['--data-dir', dataDir, '--port', '0', '--operations-port', '0', ...flags],
      env: {},
      readFile: (path) => readFileSync(path, 'utf8'),
      defaults: { 'handlers.directory': HANDLERS },
    })
    return new TestNode(await startNode(config, silentLog))
  }

  post(body: unknown, headers: Record<string, string> = {}, path = '/v1/jobs'): Promise<Reply> {
    return call(this.node.httpPort ?? 0, {
      method: 'POST',
      path,
      headers: { authorization: `Bearer ${DEVELOPMENT_KEY}`, 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body),
    })
  }

  get(path: string): Promise<Reply> {
    return call(this.node.httpPort ?? 0, { path, headers: { authorization: `Bearer ${DEVELOPMENT_KEY}` } })
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
    const { text } = await call(this.node.operationsPort, { path: '/metrics' })
    const found = text.split('\n').find((one) => one.startsWith(`${line} `))
    return found === undefined ? 0 : Number(found.slice(line.length + 1))
  }

  async inspect(): Promise<Record<string, unknown>> {
    return (await call(this.node.operationsPort, { path: '/inspect' })).json
  }

  stop(): Promise<void> {
    return this.node.stop()
  }
}

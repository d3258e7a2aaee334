import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { loadConfig } from '../../runtime/config/load-config.ts'
import { type RunningNode, startNode } from '../../supervisors/node.ts'
import { NodeClient } from './node-client.ts'
import { silentLog } from './test-system.ts'

const HANDLERS = fileURLToPath(new URL('../../actors/handlers', import.meta.url))

/** A whole node in this process, on free ports, and a client of it with the development key. */
export class TestNode extends NodeClient {
  readonly node: RunningNode

  private constructor(node: RunningNode) {
    super({ http: node.httpPort ?? 0, operations: node.operationsPort })
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

  async stop(): Promise<void> {
    await this.node.stop()
  }
}

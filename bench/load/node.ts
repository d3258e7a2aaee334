import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ServerProcess } from './child.ts'
import { keysFile } from './mix.ts'

/** Where in a bench's directory its node keeps its data. */
export const dataDirIn = (directory: string): string => join(directory, 'data')

/** A node on free ports, which lets all tenants of the mix in; its ports are those of jobs and of operations. */
export function startNode(directory: string, flags: readonly string[] = []): Promise<ServerProcess> {
  const keys = join(directory, 'keys.json')
  writeFileSync(keys, JSON.stringify(keysFile()))
  const argv = [
    ...['--data-dir', dataDirIn(directory), '--port', '0', '--operations-port', '0'],
    ...['--auth-mode', 'keys', '--auth-keys-file', keys],
    ...flags,
  ]
  return ServerProcess.start(
    ['supervisors/spillway.mjs', 'start', ...argv],
    /jobs +http:\S+:(\d+)\//,
    /operations +http:\S+:(\d+)\//,
  )
}

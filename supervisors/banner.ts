import { isIPv6 } from 'node:net'
import { resolve } from 'node:path'
import { DEVELOPMENT_KEY } from '../actors/admission/authenticate.ts'
import type { Config } from '../runtime/config/settings.ts'
import { POOLS } from '../runtime/job/lane.ts'
import type { RunningNode } from './node.ts'

/**
 * What a person sees who starts a node: where it is, what it stands on, and a command that does something. `upForMs` is
 * the age of the process.
 */
export function banner(config: Config, node: RunningNode, upForMs: number): string {
  const pools = POOLS.filter((pool) => config.node.roles.includes(`pool-${pool}`)).map(
    (pool) => `${pool.toUpperCase()} ${config.pools[pool].threads}×${config.pools[pool].concurrency}`,
  )
  const lines = [
    `spillway is ready after ${(upForMs / 1000).toFixed(1)} s, roles ${config.node.roles.join(', ')}`,
    '',
    ...(node.httpPort === undefined
      ? []
      : [`  jobs        ${origin(config.http.host, node.httpPort)}/v1/jobs`]),
    `  operations  ${origin(config.operations.host, node.operationsPort)}/inspect   /metrics /readyz /healthz`,
    `  data        ${resolve(config.node.dataDir)}`,
    `  pools       ${pools.length > 0 ? `${pools.join('   ')}   (threads × jobs at once)` : 'none'}`,
    `  embedded    log and claims (LMDB), job table (PGlite)${simulated(config)}`,
    '              One disk, one process: a 202 survives a crash, not the loss of the disk.',
    ...tryIt(config, node),
  ]
  return `${lines.join('\n')}\n`
}

const origin = (host: string, port: number): string => `http://${isIPv6(host) ? `[${host}]` : host}:${port}`

function simulated({ upstreams: { chat, crm } }: Config): string {
  const names = [...(chat.baseUrl ? [] : ['chat']), ...(crm.baseUrl ? [] : ['CRM'])]
  return names.length > 0 ? `, simulated upstreams (${names.join(', ')})` : ''
}

function tryIt({ auth, http: { host } }: Config, { httpPort }: RunningNode): string[] {
  if (httpPort === undefined) return []
  if (auth.mode !== 'development') return ['', `  credentials auth.mode ${auth.mode}`]
  return [
    `  API key     ${DEVELOPMENT_KEY} (development mode: tenant dev, loopback only)`,
    '',
    `  curl -i ${origin(host, httpPort)}/v1/jobs -H 'authorization: Bearer ${DEVELOPMENT_KEY}' -H 'content-type: application/json' \\`,
    `    -d '{"kind":"lead.qualify","payload":{"email":"ada@example.com","company":"Example Ltd","employees":250}}'`,
  ]
}

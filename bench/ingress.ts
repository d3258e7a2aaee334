import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ServerProcess } from './load/child.ts'
import { closedLoop, percentile } from './load/closed-loop.ts'
import { postRequest } from './load/connection.ts'
import { keyOf, keysFile, Mix } from './load/mix.ts'
import type { BenchResult } from './report.ts'

/**
 * How many jobs a second a node accepts durably (role absorber, embedded), beside the HTTP server alone answering the same
 * requests. Both are measured in turn, several times, on one machine with the generator: the ratio of their medians decides.
 */
const ROUNDS = 3
const CONNECTIONS = 256
const WARM_UP_MS = 2_000
const ROUND_MS = 4_000
const PREPARED = 500_000

interface Subject {
  name: string
  server: ServerProcess
  rounds: Round[]
}

export async function ingress(seed: number): Promise<BenchResult> {
  const directory = mkdtempSync(join(tmpdir(), 'spillway-bench-'))
  const subjects: Subject[] = []
  try {
    subjects.push({ name: 'bare', server: await startBare(), rounds: [] })
    subjects.push({ name: 'spillway', server: await startAbsorber(directory), rounds: [] })
    const requests = new Requests(seed)
    for (const { server } of subjects) await load(server, requests, WARM_UP_MS)
    // In turn, so that what else the machine does falls on both.
    for (let round = 0; round < ROUNDS; round++)
      for (const { server, rounds } of subjects) rounds.push(await load(server, requests, ROUND_MS))
  } finally {
    for (const { server } of subjects) await server.stop()
    rmSync(directory, { recursive: true })
  }
  const rows = subjects.map(({ name, rounds }) => ({ server: name, ...median(rounds) }))
  const [bare, spillway] = rows.map(({ perSecond }) => perSecond) as [number, number]
  return {
    name: 'ingress',
    seed,
    rows,
    ratios: { 'spillway / bare': spillway / bare },
    warnings: rows.flatMap(doubts),
  }
}

const startBare = (): Promise<ServerProcess> => ServerProcess.start(['bench/load/bare-server.ts'], /^(\d+)$/)

function startAbsorber(directory: string): Promise<ServerProcess> {
  const keys = join(directory, 'keys.json')
  writeFileSync(keys, JSON.stringify(keysFile()))
  const ports = ['--port', '0', '--operations-port', '0']
  const auth = ['--auth-mode', 'keys', '--auth-keys-file', keys]
  const flags = ['--data-dir', join(directory, 'data'), '--node-roles', 'absorber', ...ports, ...auth]
  return ServerProcess.start(['supervisors/spillway.mjs', 'start', ...flags], /jobs +http:\S+:(\d+)\//)
}

/** Requests made before the clock runs; each is sent once, so that no body is a duplicate. */
class Requests {
  readonly #mix: Mix
  #prepared: string[] = []

  constructor(seed: number) {
    this.#mix = new Mix(seed)
  }

  prepare(): void {
    while (this.#prepared.length < PREPARED) {
      const { tenant, body } = this.#mix.next()
      this.#prepared.push(postRequest('/v1/jobs', keyOf(tenant), body))
    }
  }

  next(): string {
    const request = this.#prepared.pop()
    if (request === undefined)
      throw new Error(`the server took more than the ${PREPARED} requests that were prepared`)
    return request
  }
}

interface Round {
  perSecond: number
  p50Ms: number
  p99Ms: number
  p999Ms: number
  serverCpuUs: number
  /** Of one core; near 1 the generator is what is measured. */
  generatorShare: number
  refused: number
  unanswered: number
  residentMib: number
}

async function load(server: ServerProcess, requests: Requests, durationMs: number): Promise<Round> {
  requests.prepare()
  const cpuBefore = server.cpuSeconds()
  const own = process.cpuUsage()
  const result = await closedLoop({
    port: server.port,
    connections: CONNECTIONS,
    durationMs,
    nextRequest: () => requests.next(),
  })
  const { user, system } = process.cpuUsage(own)
  return {
    perSecond: result.answered / result.seconds,
    p50Ms: percentile(result.latenciesMs, 50),
    p99Ms: percentile(result.latenciesMs, 99),
    p999Ms: percentile(result.latenciesMs, 99.9),
    serverCpuUs: ((server.cpuSeconds() - cpuBefore) / result.answered) * 1e6,
    generatorShare: (user + system) / 1e6 / result.seconds,
    unanswered: result.unanswered,
    refused: result.answered - (result.statuses[202] ?? 0),
    residentMib: server.residentMib(),
  }
}

/** The round in the middle, by its rate. */
function median(rounds: readonly Round[]): Round {
  const middle = rounds.toSorted((a, b) => a.perSecond - b.perSecond)[Math.floor(rounds.length / 2)]
  if (!middle) throw new Error('nothing was measured')
  return middle
}

function doubts({ server, refused, unanswered, generatorShare }: Round & { server: string }): string[] {
  return [
    ...(refused > 0 ? [`${server} refused ${refused} requests`] : []),
    ...(unanswered > 0 ? [`${server} left ${unanswered} requests without an answer`] : []),
    ...(generatorShare > 0.95
      ? [`against ${server} the generator is the bottleneck: ${server} can do more`]
      : []),
  ]
}

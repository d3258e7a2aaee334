import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ServerProcess } from './load/child.ts'
import { postRequest } from './load/connection.ts'
import { keyOf, Mix } from './load/mix.ts'
import { startNode } from './load/node.ts'
import { writeRequests, wrk } from './load/wrk.ts'
import type { BenchResult } from './report.ts'

/**
 * How many jobs a second a node accepts durably (role absorber, embedded), beside the HTTP server alone answering the same
 * requests. Both are measured in turn, several times, on one machine with the generator: the ratio of their medians decides.
 */
const ROUNDS = 5
const CONNECTIONS = 256
const WARM_UP_S = 2
const ROUND_S = 4
/** More than is accepted in a round; each is sent once, so that no body is a duplicate. */
const REQUESTS_PER_SECOND_MAX = 80_000

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
    subjects.push({
      name: 'spillway',
      server: await startNode(directory, ['--node-roles', 'absorber']),
      rounds: [],
    })
    const mix = new Mix(seed)
    const measure = ({ name, server }: Subject, seconds: number): Promise<Round> =>
      load(server, freshRequests(mix, directory, seconds), seconds, name === 'bare')
    for (const subject of subjects) await measure(subject, WARM_UP_S)
    // In turn, so that what else the machine does falls on both.
    for (let round = 0; round < ROUNDS; round++)
      for (const subject of subjects) subject.rounds.push(await measure(subject, ROUND_S))
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

/** A file of requests that were not sent yet, instead of the last one. */
function freshRequests(mix: Mix, directory: string, seconds: number): string {
  const path = join(directory, 'requests')
  writeRequests(path, seconds * REQUESTS_PER_SECOND_MAX, () => {
    const { tenant, body } = mix.next()
    return postRequest('/v1/jobs', keyOf(tenant), body)
  })
  return path
}

interface Round {
  perSecond: number
  p50Ms: number
  p99Ms: number
  p999Ms: number
  /** Per request, all threads of the server, and its main thread alone. */
  cpuUs: number
  mainThreadCpuUs: number
  /** Of one core; near 1 the generator is what is measured. */
  generatorShare: number
  refused: number
  unanswered: number
  residentMib: number
}

async function load(
  server: ServerProcess,
  requestsFile: string,
  seconds: number,
  again: boolean,
): Promise<Round> {
  const before = { all: server.cpuSeconds(), main: server.mainThreadCpuSeconds() }
  const url = `http://127.0.0.1:${server.port}/v1/jobs`
  const { answered, cpuShare, ...result } = await wrk({
    url,
    connections: CONNECTIONS,
    seconds,
    requestsFile,
    again,
  })
  return {
    perSecond: answered / result.seconds,
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    p999Ms: result.p999Ms,
    cpuUs: ((server.cpuSeconds() - before.all) / answered) * 1e6,
    mainThreadCpuUs: ((server.mainThreadCpuSeconds() - before.main) / answered) * 1e6,
    generatorShare: cpuShare,
    refused: result.refused,
    unanswered: result.unanswered,
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

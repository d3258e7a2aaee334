import { setTimeout as wait } from 'node:timers/promises'
import { type Answer, Connection, getRequest } from '../load/connection.ts'
import { lagJobs } from '../load/metrics.ts'
import type { Fate } from './fate.ts'

/** What a running node says of its jobs and of its backlog. */
export interface LookUp {
  id: string
  apiKey: string
}

const CONNECTIONS = 32
const POLL_MS = 50
/** Longer than a job of the workload takes. */
const STALL_MS = 10_000
const UNDER_WAY = new Set(['retry', 'parked', 'running'])

/** What each job has come to by `GET /v1/jobs/{id}`; a job that is not found is not in the map. */
async function lookUp(port: number, jobs: readonly LookUp[]): Promise<Map<string, Fate>> {
  const found = new Map<string, Fate>()
  const left = jobs[Symbol.iterator]()
  await Promise.all(Array.from({ length: CONNECTIONS }, () => lookUpInTurn(port, left, found)))
  return found
}

async function lookUpInTurn(port: number, jobs: Iterator<LookUp>, found: Map<string, Fate>): Promise<void> {
  let answered = Promise.withResolvers<Answer>()
  const connection = await Connection.open(
    port,
    (answer) => answered.resolve(answer),
    () => answered.reject(new Error('the node closed the connection of a look-up')),
  )
  for (let next = jobs.next(); !next.done; next = jobs.next()) {
    const { id, apiKey } = next.value
    answered = Promise.withResolvers()
    connection.send(getRequest(`/v1/jobs/${id}`, apiKey))
    const { status, text } = await answered.promise
    if (status !== 200 && status !== 404) throw new Error(`look-up of job ${id} was answered: ${text}`)
    if (status === 200) found.set(id, fateIn(text))
  }
  answered.promise.catch(() => {})
  connection.end()
}

function fateIn(answer: string): Fate {
  const { status, error } = JSON.parse(answer.slice(answer.indexOf('\r\n\r\n') + 4))
  return { state: status, errorCode: error?.code }
}

/**
 * Asks until no job is under way in the job table, or the time is over. For a node whose log is worked off: a job without a
 * row, which is not found or merely `accepted`, is lost and not waited for.
 */
export async function lookUpSettled(
  port: number,
  jobs: readonly LookUp[],
  timeoutMs: number,
): Promise<Map<string, Fate>> {
  const deadline = performance.now() + timeoutMs
  const fates = new Map<string, Fate>()
  for (let open = jobs; ; await wait(POLL_MS)) {
    for (const [id, fate] of await lookUp(port, open)) fates.set(id, fate)
    open = open.filter(({ id }) => UNDER_WAY.has(fates.get(id)?.state ?? 'not found'))
    if (open.length === 0 || performance.now() > deadline) return fates
  }
}

/** Waits until the log is worked off, or until nothing has moved for a while; the jobs of the log that are left. */
export async function drained(operationsPort: number): Promise<number> {
  let lag = Number.POSITIVE_INFINITY
  for (let stallsAt = 0; ; await wait(POLL_MS)) {
    const now = await lagJobs(operationsPort)
    if (now === 0 || (now === lag && performance.now() > stallsAt)) return now
    if (now !== lag) stallsAt = performance.now() + STALL_MS
    lag = now
  }
}

import { Connection } from '../load/connection.ts'
import type { LoopVerdict } from '../load/open-loop.ts'
import type { Ledger } from './ledger.ts'
import type { ChaosJob, Workload } from './workload.ts'

/** Requests of slow clients: the head and half of the body are sent at first, the rest when `finish` is called. */
export class BegunRequests {
  readonly #begun: readonly BegunRequest[]

  private constructor(begun: readonly BegunRequest[]) {
    this.#begun = begun
  }

  static async send(port: number, count: number, workload: Workload): Promise<BegunRequests> {
    return new BegunRequests(
      await Promise.all(Array.from({ length: count }, () => begin(port, workload.nextUnordered()))),
    )
  }

  async finish(ledger: Ledger, round: number): Promise<void> {
    for (const { job, connection, verdict } of this.#begun) {
      connection.send(job.request.slice(halfOf(job)))
      ledger.record(job, await verdict, round)
      connection.end()
    }
  }
}

interface BegunRequest {
  job: ChaosJob
  connection: Connection
  verdict: Promise<LoopVerdict>
}

async function begin(port: number, job: ChaosJob): Promise<BegunRequest> {
  const { promise: verdict, resolve } = Promise.withResolvers<LoopVerdict>()
  const connection = await Connection.open(
    port,
    ({ status, text }) => resolve({ kind: 'answered', status, text, latencyMs: 0 }),
    // The node knew of it: to close its connection is to cut it.
    () => resolve({ kind: 'unanswered', why: 'cut', waitedMs: 0 }),
  )
  connection.send(job.request.slice(0, halfOf(job)))
  return { job, connection, verdict }
}

const halfOf = ({ request, body }: ChaosJob): number => request.length - Math.ceil(body.length / 2)

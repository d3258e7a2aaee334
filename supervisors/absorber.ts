import { Acceptor } from '../actors/accept/acceptor.ts'
import { Partitioner } from '../actors/accept/partitioner.ts'
import { compileCatalogue } from '../actors/ingress/catalogue.ts'
import { Ingress } from '../actors/ingress/ingress.ts'
import { lookupJob } from '../actors/ingress/job-lookup.ts'
import type { PoolMessage } from '../actors/pool/pool.ts'
import type { ActorCell } from '../runtime/actor/actor-cell.ts'
import { BOUNDS } from '../runtime/config/bounds.ts'
import type { Envelope } from '../runtime/job/envelope.ts'
import type { Job } from '../runtime/job/job.ts'
import type { Submission } from '../runtime/job/submission.ts'
import { actorChild } from '../runtime/supervision/actor-child.ts'
import type { ChildSpec } from '../runtime/supervision/child-spec.ts'
import { supervisorChild } from '../runtime/supervision/supervisor-child.ts'
import type { NodeContext } from './node-context.ts'

/**
 * The front door.
 *
 *     /node/absorber         one_for_one: what waits for the acceptor outlives it in its mailbox
 *       acceptor             claim, append, answer          ▲ stops last: it owes answers
 *       ingress              HTTP in, submissions out       ▼ stops first
 */
export function absorberSubtree(
  node: NodeContext,
  pools: readonly ActorCell<PoolMessage>[],
  onListening: (port: number) => void,
): ChildSpec {
  const { system, config, metrics, stats } = node
  const path = '/node/absorber'

  const acceptor = actorChild<readonly Submission[]>(system, {
    path: `${path}/acceptor`,
    mailbox: BOUNDS.kernel.mailboxMessagesMax,
    onDeadLetter: refuseAll,
    create: () =>
      new Acceptor({
        claims: node.claims,
        log: node.log,
        partitioner: new Partitioner(BOUNDS.accept.shardPartitions),
        now: system.now,
        ...BOUNDS.accept,
        stats: stats.acceptor,
        observeAck: metrics.observeAck,
      }),
  })

  const ingress = actorChild<never>(system, {
    path: `${path}/ingress`,
    mailbox: 1,
    shutdown: config.node.drainTimeoutMs,
    create: () => {
      // Its messages are HTTP requests; what it shares with other actors is its life.
      const server = createIngress(node, acceptor.ref, pools)
      return {
        init: () => onListening(server.listen(config.http)),
        receive: () => {},
        terminate: async () => {
          await server.drain()
          server.close()
        },
      }
    },
  })

  return supervisorChild(system, { path, strategy: 'one_for_one', children: [acceptor.spec, ingress.spec] })
}

function createIngress(
  { system, config, handlers, store, claims, metrics, authenticate }: NodeContext,
  acceptor: ActorCell<readonly Submission[]>,
  pools: readonly ActorCell<PoolMessage>[],
): Ingress {
  const findRunning = async (id: string): Promise<Envelope | undefined> => {
    const asked = pools.map((pool) =>
      pool.ask<Job | undefined>((reply) => ({ type: 'find', id, reply }), FIND_TIMEOUT_MS),
    )
    const answers = await Promise.allSettled(asked)
    return answers.map((answer) => (answer.status === 'fulfilled' ? answer.value : undefined)).find(Boolean)
      ?.envelope
  }
  const ingress = new Ingress({
    catalogue: compileCatalogue(handlers.values()),
    limits: {
      bodyBytesMax: config.http.bodyBytesMax,
      batchBytesMax: config.http.batchBytesMax,
      batchLinesMax: BOUNDS.ingress.batchLinesMax,
      requestsInFlightMax: config.http.requestsInFlightMax,
      bodyBytesInFlightMax: BOUNDS.accept.heldBytesMax,
    },
    authenticate,
    admit: () => ({ ok: true }),
    submit: (batch) => {
      if (acceptor.tell(batch) === 'full') refuseAll(batch)
    },
    lookup: (tenant, id) => lookupJob({ store, claims, findRunning, now: system.now }, tenant, id),
    now: system.now,
    logger: system.log,
  })
  metrics.watchIngress(ingress.stats)
  return ingress
}

const FIND_TIMEOUT_MS = 500

/** Nobody will answer these any more. */
function refuseAll(submissions: readonly Submission[]): void {
  for (const submission of submissions)
    submission.settle({ accepted: false, problem: 'temporary-reduced-capacity', retryAfterS: 1 })
}

import { setTimeout as wait } from 'node:timers/promises'
import { Acceptor } from '../actors/accept/acceptor.ts'
import { Partitioner } from '../actors/accept/partitioner.ts'
import { compileCatalogue } from '../actors/ingress/catalogue.ts'
import { Ingress } from '../actors/ingress/ingress.ts'
import { lookupJob } from '../actors/ingress/job-lookup.ts'
import type { PoolMessage } from '../actors/pool/pool.ts'
import type { Reply } from '../runtime/actor/actor.ts'
import type { ActorCell } from '../runtime/actor/actor-cell.ts'
import { BOUNDS } from '../runtime/config/bounds.ts'
import type { Envelope } from '../runtime/job/envelope.ts'
import type { Job } from '../runtime/job/job.ts'
import type { Submission } from '../runtime/job/submission.ts'
import { actorChild } from '../runtime/supervision/actor-child.ts'
import type { ChildSpec } from '../runtime/supervision/child-spec.ts'
import { supervisorChild } from '../runtime/supervision/supervisor-child.ts'
import type { Draining } from './drain-steps.ts'
import { ifNotStopping } from './if-not-stopping.ts'
import type { NodeContext } from './node-context.ts'

/**
 * The front door.
 *
 *     /node/absorber         one_for_one: what waits for the acceptor outlives it in its mailbox
 *       acceptor             claim, append, answer
 *       ingress              HTTP in, submissions out
 *
 * When the node stops, the ingress listens no more and refuses what still comes on open connections; it does so until the
 * tree ends, and for `lingerMs` at the least, so that a client which is not done gets an answer and not a cut.
 */
export function absorberSubtree(
  node: NodeContext,
  pools: readonly ActorCell<PoolMessage>[],
  onListening: (port: number) => void,
): { spec: ChildSpec; draining: Draining } {
  const { system, config, metrics, stats, isStopping } = node
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

  let inFlight = () => 0
  const ingress = actorChild<IngressMessage>(system, {
    path: `${path}/ingress`,
    mailbox: 2,
    create: ifNotStopping(isStopping, () => {
      // Its messages are HTTP requests; what it shares with other actors is its life.
      const server = createIngress(node, acceptor.ref, pools)
      inFlight = () => server.stats.requestsInFlight
      let finished: Promise<unknown> = Promise.resolve()
      return {
        init: ({ ended }) => {
          ended.addEventListener('abort', () => server.close())
          onListening(server.listen(config.http))
        },
        receive: ({ type, reply }) => {
          if (type === 'finish') return void finished.then(() => reply.answer(undefined))
          finished = Promise.all([server.drain(), wait(BOUNDS.ingress.lingerMs)])
          reply.answer(undefined)
        },
        terminate: async () => {
          if (!isStopping()) await server.drain()
        },
      }
    }),
  })

  const ask = (type: IngressMessage['type']) => () =>
    ingress.ref.ask<void>((reply) => ({ type, reply }), config.node.drainTimeoutMs)
  return {
    spec: supervisorChild(system, { path, strategy: 'one_for_one', children: [acceptor.spec, ingress.spec] }),
    draining: {
      quiesce: [{ path: ingress.ref.path, run: ask('refuse'), left: () => 'it listens' }],
      finish: [
        {
          path: ingress.ref.path,
          run: ask('finish'),
          left: () => `${inFlight()} requests are not answered`,
        },
      ],
      release: [],
    },
  }
}

/** The ingress is an actor by its life; its work comes as HTTP requests. */
type IngressMessage =
  /** Listen no more, refuse what still comes; answered at once. */
  | { type: 'refuse'; reply: Reply<void> }
  /** Behind `refuse`: answered when every request has its answer. */
  | { type: 'finish'; reply: Reply<void> }

function createIngress(
  { system, config, handlers, store, claims, metrics, authenticate }: NodeContext,
  acceptor: ActorCell<readonly Submission[]>,
  pools: readonly ActorCell<PoolMessage>[],
): Ingress {
  const findRunning = async (id: string): Promise<Envelope | undefined> => {
    const asked = pools.map((pool) =>
      pool.ask<Job | undefined>((reply) => ({ type: 'find', id, reply }), BOUNDS.ingress.findTimeoutMs),
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

/** Nobody will answer these any more. */
function refuseAll(submissions: readonly Submission[]): void {
  for (const submission of submissions)
    submission.settle({ accepted: false, problem: 'temporary-reduced-capacity', retryAfterS: 1 })
}

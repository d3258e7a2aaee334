import type { HandlerLog } from '../../runtime/handler/context.ts'
import { loadHandlers } from '../../runtime/handler/load-handlers.ts'
import { checkSameTables, type TableIdentity } from '../../runtime/handler/table-identity.ts'
import type { UpstreamsConfig } from '../../runtime/handler/upstream-config.ts'
import { decodeEnvelope } from '../../runtime/job/envelope.ts'
import type { ThreadModule, ThreadModuleExports } from '../../runtime/threads/thread-module.ts'
import { unpackJobs } from './job-batch.ts'
import { LimitsUnderWay } from './limits-under-way.ts'
import { runJob } from './run-job.ts'
import type { FromPoolThread, JobsMessage, TicketReport } from './thread-protocol.ts'

/**
 * A pool's thread: runs the jobs it is sent, all at once (its owner gives it no more than its concurrency), and reports
 * them in batches.
 */
export interface PoolThreadArgs {
  handlersDirectory: string
  /** The tables that the node stores rows of. */
  tables: readonly TableIdentity[]
  upstreams: UpstreamsConfig
  reportBatchJobsMax: number
  logLinesPerSecondMax: number
}

/** Handlers are imported ahead of time: that is most of what a start takes. */
export const prepare: ThreadModuleExports<PoolThreadArgs>['prepare'] = async ({ handlersDirectory }) => {
  await loadHandlers(handlersDirectory)
}

const poolThread: ThreadModule<PoolThreadArgs> = async (args, thread) => {
  const { handlers } = await loadHandlers(args.handlersDirectory)
  checkSameTables(handlers.values(), args.tables)
  const post = (message: FromPoolThread): void => thread.post(message)
  const log = boundedLog(post, args.logLinesPerSecondMax)
  let reports: TicketReport[] = []
  const limits = new LimitsUnderWay()
  let running = 0
  let flushing = false

  const flush = (): void => {
    flushing = false
    if (reports.length === 0) return
    post({ reports })
    reports = []
  }

  const run = async (ticket: number, encoded: Uint8Array, thin: boolean): Promise<void> => {
    const startedAt = performance.now()
    const envelope = decodeEnvelope(encoded)
    const handler = handlers.get(envelope.kind)
    const limitMs = handler?.timeoutMs ?? 0
    limits.add(limitMs)
    // Each begins with a sign of life: many that compute, one after the other in one turn, are no busy loop.
    thread.setBusy(running, limits.max)
    const report = await runJob(envelope, handler, {
      thin,
      upstreams: args.upstreams,
      now: Date.now,
      random: Math.random,
      log,
    })
    limits.delete(limitMs)
    thread.setBusy(--running, limits.max)
    reports.push({ ticket, durationMs: performance.now() - startedAt, report })
    if (reports.length >= args.reportBatchJobsMax) flush()
    else if (!flushing) {
      flushing = true
      setImmediate(flush)
    }
  }

  return {
    receive: async (message) => {
      const { firstTicket, jobs, thin } = message as JobsMessage
      const envelopes = unpackJobs(jobs)
      running += envelopes.length
      await Promise.all(envelopes.map((encoded, i) => run(firstTicket + i, encoded, thin)))
    },
    terminate: flush,
  }
}

export default poolThread

/** Handlers log through the main thread; those who log too much are cut, and it is said how much. */
function boundedLog(post: (message: FromPoolThread) => void, linesPerSecondMax: number): HandlerLog {
  let second = 0
  let lines = 0
  const write = (level: 'info' | 'warn', fields: object, message: string): void => {
    const now = Math.floor(performance.now() / 1000)
    if (now !== second) {
      if (lines > linesPerSecondMax)
        post({
          log: {
            level: 'warn',
            fields: { dropped: lines - linesPerSecondMax },
            message: 'log lines dropped',
          },
        })
      second = now
      lines = 0
    }
    if (++lines <= linesPerSecondMax) post({ log: { level, fields, message } })
  }
  return {
    info: (fields, message) => write('info', fields, message),
    warn: (fields, message) => write('warn', fields, message),
  }
}

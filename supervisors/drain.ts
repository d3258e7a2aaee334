import type { ActorContext, Behaviour, Reply } from '../runtime/actor/actor.ts'
import { toError } from '../runtime/actor/exit-reason.ts'

/**
 * How a node stops in an orderly way: `/node/drain`, which does nothing until it is told to stop.
 *
 *     idle ──stop──► step ──► step ──► … ──► answered; then the node ends its tree
 *
 * Steps are taken one after the other, the parts of a step at the same time. A part that fails, or is not through when the
 * time of its step is over, is left as it is and said: the next step begins all the same, so that no part can take the
 * time that the others need to close. What is cut is safe: it is in the log or the job table, and runs after the next start.
 */
export interface DrainStep {
  name: string
  /** When it is over at the latest, as a share of the time for the whole stop. */
  endsAtShare: number
  parts: readonly DrainPart[]
}

export interface DrainPart {
  path: string
  /** Resolves when the part is through. */
  run(): Promise<void>
  /** What it is still at, for a person: said when it is cut. */
  left(): string
}

export type DrainMessage = { type: 'stop'; timeoutMs: number; reply: Reply<DrainReport> }

export interface DrainReport {
  /** What was still under way when the time of its step was over; empty when all is drained. */
  cut: readonly string[]
}

type PartState = 'running' | 'done' | 'cut' | 'failed'

interface StepProgress {
  step: string
  ms: number | undefined
  parts: Record<string, PartState>
}

export class Drain implements Behaviour<DrainMessage> {
  readonly #steps: readonly DrainStep[]
  readonly #now: () => number
  readonly #progress: StepProgress[] = []
  readonly #cut: string[] = []
  #self: ActorContext<DrainMessage> | undefined

  constructor(steps: readonly DrainStep[], now: () => number) {
    this.#steps = steps
    this.#now = now
  }

  init(self: ActorContext<DrainMessage>): void {
    this.#self = self
  }

  async receive({ timeoutMs, reply }: DrainMessage): Promise<void> {
    const startedAtMs = this.#now()
    for (const step of this.#steps) await this.#take(step, startedAtMs + timeoutMs * step.endsAtShare)
    const ms = this.#now() - startedAtMs
    if (this.#cut.length === 0) this.#self?.log.info({ ms }, 'stopping: all is drained, the tree ends')
    else
      this.#self?.log.warn(
        { ms, cut: this.#cut },
        'stopping: the tree ends with work cut, which is in the log or the job table',
      )
    reply.answer({ cut: this.#cut })
  }

  inspect(): Record<string, unknown> {
    return { steps: this.#progress, cut: this.#cut }
  }

  async #take({ name, parts }: DrainStep, endsAtMs: number): Promise<void> {
    const startedAtMs = this.#now()
    const progress: StepProgress = { step: name, ms: undefined, parts: {} }
    this.#progress.push(progress)
    const late = Promise.withResolvers<'cut'>()
    const timer = setTimeout(() => late.resolve('cut'), Math.max(0, endsAtMs - startedAtMs))
    await Promise.all(
      parts.map(async (part) => {
        progress.parts[part.path] = 'running'
        progress.parts[part.path] = await this.#runPart(name, part, late.promise)
      }),
    )
    clearTimeout(timer)
    progress.ms = this.#now() - startedAtMs
    this.#self?.log.info({ step: name, ms: progress.ms }, 'stopping: a step is over')
  }

  async #runPart(step: string, part: DrainPart, late: Promise<'cut'>): Promise<PartState> {
    const { path } = part
    try {
      const how = await Promise.race([part.run().then(() => 'done' as const), late])
      if (how === 'done') return 'done'
    } catch (cause) {
      this.#self?.log.warn({ step, part: path, err: toError(cause) }, 'stopping: a part failed')
      this.#cut.push(`${path}: failed`)
      return 'failed'
    }
    const left = part.left()
    this.#cut.push(`${path}: ${left}`)
    this.#self?.log.warn({ step, part: path, left }, 'stopping: a part is cut, its time is over')
    return 'cut'
  }
}

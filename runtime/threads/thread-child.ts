import { MessageChannel, type MessagePort, receiveMessageOnPort } from 'node:worker_threads'
import type { Admission, Signal, Watchable } from '../actor/actor.ts'
import type { ActorSystem } from '../actor/actor-system.ts'
import {
  type ExitReason,
  KILLED,
  NOPROC,
  NORMAL,
  type ThreadExitCause,
  toError,
} from '../actor/exit-reason.ts'
import type { ChildSpec, RunningChild, Shutdown } from '../supervision/child-spec.ts'
import { ThreadBoard } from './thread-board.ts'
import type { ThreadGroup } from './thread-group.ts'
import type { FromThread, ToThread } from './thread-host.ts'

/**
 * A thread as a supervised child. Its ref takes messages while the thread runs, `capacity` of them unread at most;
 * what it posts goes to `onMessage`, and everything it posted has been handed over before its exit is known.
 */
export interface ThreadChildOptions {
  path: string
  group: ThreadGroup
  /** URL of the ThreadModule. */
  module: string
  /** The module's arguments, asked for at each start. */
  args: () => unknown
  /** Messages on their way to the thread, unread. */
  capacity: number
  shutdown: Shutdown
  startTimeoutMs: number
  onMessage(message: unknown, incarnation: number): void
  /** Called at each start, before any message. */
  onUp?(): void
}

export class ThreadRef implements Watchable {
  readonly path: string
  readonly #system: ActorSystem
  readonly #options: ThreadChildOptions
  readonly #watchers = new Set<(signal: Signal) => void>()
  #incarnation = 0
  #port: MessagePort | undefined
  #board: ThreadBoard | undefined

  constructor(system: ActorSystem, options: ThreadChildOptions) {
    this.#system = system
    this.#options = options
    this.path = options.path
  }

  get incarnation(): number {
    return this.#incarnation
  }

  get isRunning(): boolean {
    return this.#port !== undefined
  }

  /** Never throws for a dead thread; a message that cannot be cloned is the sender's bug and throws. */
  tell(message: unknown, transfer: readonly ArrayBuffer[] = []): Admission {
    if (!this.#port || !this.#board) {
      this.#system.deadLetters.add(this.path, message)
      return 'dead'
    }
    if (this.#board.depth >= this.#options.capacity) return 'full'
    this.#post({ message }, transfer)
    return 'accepted'
  }

  watch(down: (signal: Signal) => void): void {
    if (this.#port) this.#watchers.add(down)
    else down(this.#down(NOPROC))
  }

  async start(): Promise<RunningChild> {
    const { group, module, args, startTimeoutMs } = this.#options
    const { port1: port, port2 } = new MessageChannel()
    const incarnation = ++this.#incarnation
    const board = new ThreadBoard(this.#system.now())
    const abort = new AbortController()
    const ready = Promise.withResolvers<void>()
    /** Set before `ready` is heard by a thread that died right after it. */
    let ended: ExitReason | undefined
    const deliver = (envelope: FromThread): void => {
      if ('ready' in envelope) ready.resolve()
      else this.#options.onMessage(envelope.message, incarnation)
    }
    port.on('message', deliver)
    const exited = group
      .run(
        {
          port: port2,
          board: board.buffer,
          epochMs: board.epochMs,
          module,
          args: args(),
          path: this.path,
          incarnation,
        },
        abort.signal,
      )
      .then(
        () => NORMAL,
        (cause) => exitOf(toError(cause)),
      )
      .then((reason) => {
        deliverRest(port, deliver)
        ended = reason
        this.#end(port, reason)
        return reason
      })
    const timer = setTimeout(() => abort.abort(), startTimeoutMs)
    const failed = (await Promise.race([ready.promise, exited])) ?? ended
    clearTimeout(timer)
    if (failed) {
      group.renew()
      throw 'error' in failed ? failed.error : new Error(`thread was not ready within ${startTimeoutMs} ms`)
    }
    this.#port = port
    this.#board = board
    this.#options.onUp?.()
    return { exited, stop: () => this.#stop(port), kill: () => abort.abort() }
  }

  inspect(): Record<string, unknown> {
    const board = this.#board
    if (!board) return { state: 'idle', incarnation: this.#incarnation }
    const sinceMs = this.#system.now() - board.epochMs
    return {
      state: 'running',
      incarnation: this.#incarnation,
      mailbox: { depth: board.depth, capacity: this.#options.capacity },
      handled: board.read('received'),
      busyJobs: board.read('busy'),
      busyForMs: board.read('busy') > 0 ? sinceMs - board.read('busySinceMs') : 0,
      heartbeatAgeMs: sinceMs - board.read('heartbeatMs'),
    }
  }

  #post(envelope: ToThread, transfer: readonly ArrayBuffer[] = []): void {
    this.#port?.postMessage(envelope, transfer)
    this.#board?.increment('sent')
  }

  #stop(port: MessagePort): void {
    if (this.#port === port) this.#post({ stop: true })
  }

  #end(port: MessagePort, reason: ExitReason): void {
    port.close()
    if (this.#port !== port) return
    this.#port = undefined
    this.#board = undefined
    const signal = this.#down(reason)
    for (const down of this.#watchers) down(signal)
    this.#watchers.clear()
  }

  #down(reason: ExitReason): Signal {
    return { signal: 'DOWN', path: this.path, incarnation: this.#incarnation, reason }
  }
}

export function threadChild(
  system: ActorSystem,
  options: ThreadChildOptions,
): { ref: ThreadRef; spec: ChildSpec } {
  const ref = new ThreadRef(system, options)
  const spec: ChildSpec = {
    id: options.path.slice(options.path.lastIndexOf('/') + 1),
    restart: 'permanent',
    shutdown: options.shutdown,
    start: () => ref.start(),
    inspect: () => ({ type: 'thread', ...ref.inspect() }),
    close: () => {},
  }
  return { ref, spec }
}

/** The exit may be known before the event loop has delivered the last messages. */
function deliverRest(port: MessagePort, deliver: (envelope: FromThread) => void): void {
  for (let last = receiveMessageOnPort(port); last; last = receiveMessageOnPort(port)) deliver(last.message)
}

function exitOf(error: Error): ExitReason {
  if (error.name === 'AbortError') return KILLED
  const cause = causeOf(error)
  return cause ? { kind: 'thread', cause, error } : { kind: 'error', error }
}

function causeOf(error: Error): ThreadExitCause | undefined {
  if ('code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') return 'oom'
  if (error.message.startsWith('worker exited with code')) return 'exit'
  if (error.message.startsWith('Terminating worker thread')) return 'terminated'
  return undefined
}

/**
 * What a module that runs as a thread actor exports by default. It is imported inside the thread's host task, so that
 * a module that cannot be loaded fails one start, not the whole group.
 */
export type ThreadModule<Args> = (
  args: Args,
  thread: ThreadContext,
) => ThreadBehaviour | Promise<ThreadBehaviour>

/** What such a module exports. */
export interface ThreadModuleExports<Args> {
  default: ThreadModule<Args>
  /**
   * Brings into memory what a start will need, without taking anything into use: a spare thread does it ahead of time. The
   * arguments are those of that moment, a start may be given others.
   */
  prepare?(args: Args): Promise<void>
}

export interface ThreadBehaviour {
  /** Messages come in order; the next does not wait for a promise returned, only a stop does. A rejection ends the thread. */
  receive(message: unknown): void | Promise<void>
  /** Stop, behind all that was received: release what is held. Bounded by the shutdown time of its child spec. */
  terminate?(): void | Promise<void>
}

export interface ThreadContext {
  /** The actor's path, for example `/node/pools/pool-a/threads/thread-1`. */
  path: string
  incarnation: number
  /** Sends to the owner on the main thread. Messages are cloned; buffers in `transfer` change hands. */
  post(message: unknown, transfer?: readonly ArrayBuffer[]): void
  /**
   * Says on the thread's board how much it is doing, and the longest that a handler under way may take; main reads it
   * without a message. It is a sign of life: said between two handlers, they are not taken for one that never returns.
   */
  setBusy(jobs: number, limitMs?: number): void
}

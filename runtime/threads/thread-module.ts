/**
 * What a module that runs as a thread actor exports by default. It is imported inside the thread's host task, so that
 * a module that cannot be loaded fails one start, not the whole group.
 */
export type ThreadModule<Args> = (
  args: Args,
  thread: ThreadContext,
) => ThreadBehaviour | Promise<ThreadBehaviour>

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
  /** Says on the thread's board how much it is doing; main reads it without a message. */
  setBusy(jobs: number): void
}

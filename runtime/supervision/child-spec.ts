import { type ExitReason, isOrderly } from '../actor/exit-reason.ts'

/**
 * How a supervisor starts, restarts and stops one child; Erlang's child specification. `significant` is left out on
 * purpose, and with it `autoShutdown` of supervisors: what ends a subtree here is its budget or whoever stops it.
 */
export interface ChildSpec<Started extends RunningChild | 'ignore' = RunningChild | 'ignore'> {
  /** Unique within its supervisor; the last part of the child's path. */
  id: string
  /**
   * Resolves when the child is up; a rejection fails the start and leaves nothing running. `'ignore'`: it has nothing to
   * run for now; its spec stays, and it can be started later.
   */
  start(): Promise<Started>
  /** `permanent`: always · `transient`: unless it ended in an orderly way · `temporary`: never. */
  restart: Restart
  shutdown: Shutdown
  /** As `countChildren` counts it; a worker where nothing is said. */
  type?: 'worker' | 'supervisor'
  /** For `/inspect`; called at any time, before the first start too. */
  inspect(): ChildView
  /** The child has ended and is not restarted, or its supervisor has ended: refuse messages until a next start. */
  close(): void
  /**
   * Its start is under way and no longer wanted. `stop`: it should come to an end in an orderly way, and may come up
   * first · `kill`: at once, nobody waits for it any more; what comes up all the same is killed.
   */
  cancelStart?(how: 'stop' | 'kill'): void
  /** Of a child that is a supervisor: the running child of that path anywhere below it. */
  find?(path: string): RunningChild | undefined
}

export type Restart = 'permanent' | 'transient' | 'temporary'

/** Milliseconds that an orderly stop may take before the child is killed; at once; or as long as it takes. */
export type Shutdown = number | 'brutal_kill' | 'infinity'

export interface RunningChild {
  readonly exited: Promise<ExitReason>
  /** Begins an orderly end. Idempotent. */
  stop(): void
  /** Ends it at once. Idempotent. */
  kill(): void
  /** Makes it fail as `how` says, for chaos; false where it cannot. */
  crash?(how: Crash): boolean
}

/** What a child can be made to suffer: a throw, a handler that never returns, an exhausted heap, the end of its thread. */
export type Crash = 'exception' | 'busy-loop' | 'heap' | 'exit'

/** What a child tells of itself; the supervisor adds path, status and its last exit. */
export interface ChildView {
  type: 'actor' | 'thread' | 'supervisor'
  [detail: string]: unknown
}

/** The decision of supervisor.erl's `do_restart`, one clause per child kind. */
export function shouldRestart(restart: Restart, reason: ExitReason): boolean {
  switch (restart) {
    case 'permanent':
      return true
    case 'transient':
      return !isOrderly(reason)
    case 'temporary':
      return false
  }
}

import { type ExitReason, isOrderly } from '../actor/exit-reason.ts'

/** How a supervisor starts, restarts and stops one child; Erlang's child specification. */
export interface ChildSpec {
  /** Unique within its supervisor; the last part of the child's path. */
  id: string
  /** Resolves when the child is up; a rejection fails the start and leaves nothing running. */
  start(): Promise<RunningChild>
  /** `permanent`: always · `transient`: unless it ended in an orderly way · `temporary`: never. */
  restart: Restart
  shutdown: Shutdown
  /** For `/inspect`; called at any time, before the first start too. */
  inspect(): ChildView
  /** The child has ended and is not restarted, or its supervisor has ended: refuse messages until a next start. */
  close(): void
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
}

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

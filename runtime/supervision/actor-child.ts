import type { ActorContext, Behaviour } from '../actor/actor.ts'
import { ActorCell } from '../actor/actor-cell.ts'
import type { ActorSystem } from '../actor/actor-system.ts'
import { BOUNDS } from '../config/bounds.ts'
import type { ChildSpec, Restart, RunningChild, Shutdown } from './child-spec.ts'

/** An actor on the main thread as a supervised child. Its ref is valid at once: siblings can be wired before any starts. */
export interface ActorChild<Message> {
  ref: ActorCell<Message>
  spec: ChildSpec<RunningChild>
}

export interface ActorChildOptions<Message> {
  path: string
  /** Messages the mailbox holds at most. */
  mailbox: number
  /** Messages it may put aside at most. */
  stash?: number
  create: (self: ActorContext<Message>) => Behaviour<Message>
  /** Called for each message that nobody will read: for senders who wait for an answer. */
  onDeadLetter?: (message: Message) => void
  restart?: Restart
  shutdown?: Shutdown
}

export function actorChild<Message>(
  system: ActorSystem,
  options: ActorChildOptions<Message>,
): ActorChild<Message> {
  const { path, mailbox, create, onDeadLetter, stash } = options
  const { restart = 'permanent', shutdown = BOUNDS.kernel.shutdownMs } = options
  const cell = new ActorCell(system, path, mailbox, create, onDeadLetter, stash)
  const spec: ChildSpec<RunningChild> = {
    id: path.slice(path.lastIndexOf('/') + 1),
    restart,
    shutdown,
    start: async () => {
      await cell.start()
      return {
        exited: cell.exited,
        stop: () => cell.stop(),
        kill: () => cell.kill(),
        crash: (how) => how === 'exception' && cell.crash(new Error('crashed on purpose, for chaos')),
      }
    },
    inspect: () => ({ type: 'actor', ...cell.inspect() }),
    close: () => cell.close(),
    cancelStart: (how) => {
      // An orderly end waits until `init` is through.
      if (how === 'kill') cell.kill()
    },
  }
  return { ref: cell, spec }
}

import type { ActorSystem } from '../actor/actor-system.ts'
import type { ChildSpec, Restart } from './child-spec.ts'
import { Supervisor, type SupervisorOptions } from './supervisor.ts'

/** A supervisor as a child of another: every start is a new one with a fresh restart budget. */
export function supervisorChild(
  system: ActorSystem,
  { restart = 'permanent', ...options }: SupervisorOptions & { restart?: Restart },
): ChildSpec {
  let current = new Supervisor(system, options)
  let incarnation = 0
  return {
    id: options.path.slice(options.path.lastIndexOf('/') + 1),
    restart,
    shutdown: 'infinity',
    start: async () => {
      if (incarnation++ > 0) current = new Supervisor(system, options)
      await current.start()
      return current
    },
    inspect: () => ({ incarnation, ...current.inspect() }),
    close: () => {
      for (const child of options.children) child.close()
    },
  }
}

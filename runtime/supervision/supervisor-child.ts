import type { ActorSystem } from '../actor/actor-system.ts'
import type { ChildSpec, Restart } from './child-spec.ts'
import { DynamicSupervisor, type DynamicSupervisorOptions } from './dynamic-supervisor.ts'
import { Supervisor, type SupervisorOptions } from './supervisor.ts'
import type { SupervisorCore } from './supervisor-core.ts'

/** A supervisor as a child of another: every start is a new one, with the children of its options and a fresh budget. */
export function supervisorChild(
  system: ActorSystem,
  { restart = 'permanent', ...options }: SupervisorOptions & { restart?: Restart },
): ChildSpec<Supervisor> {
  return renewed(() => new Supervisor(system, options), restart)
}

/** Its starts give the supervisor of that incarnation, to add children to. */
export function dynamicSupervisorChild(
  system: ActorSystem,
  { restart = 'permanent', ...options }: DynamicSupervisorOptions & { restart?: Restart },
): ChildSpec<DynamicSupervisor> {
  return renewed(() => new DynamicSupervisor(system, options), restart)
}

function renewed<Kind extends SupervisorCore>(create: () => Kind, restart: Restart): ChildSpec<Kind> {
  // Before its first start it is looked at only.
  let current = create()
  let incarnation = 0
  return {
    id: current.path.slice(current.path.lastIndexOf('/') + 1),
    type: 'supervisor',
    restart,
    shutdown: 'infinity',
    start: async () => {
      const started = create()
      current = started
      incarnation++
      await started.start()
      return started
    },
    inspect: () => ({ incarnation, ...current.inspect() }),
    close: () => current.kill(),
    cancelStart: (how) => (how === 'stop' ? current.stop() : current.kill()),
    find: (path) => current.find(path),
  }
}

import type { ActorSystem } from '../../runtime/actor/actor-system.ts'
import { actorChild } from '../../runtime/supervision/actor-child.ts'
import { DynamicSupervisor } from '../../runtime/supervision/dynamic-supervisor.ts'

/** Ms that a dynamic supervisor takes to stop so many actors, from being told to its exit. */
export async function stopMs(system: ActorSystem, children: number): Promise<number> {
  const path = '/bench/children'
  const supervisor = new DynamicSupervisor(system, { path, maxChildren: children })
  await supervisor.start()
  for (let n = 1; n <= children; n++) {
    const { spec } = actorChild<never>(system, {
      path: `${path}/child-${n}`,
      mailbox: 1,
      restart: 'temporary',
      create: () => ({ receive: () => {} }),
    })
    await supervisor.startChild(spec)
  }
  const startedAt = performance.now()
  supervisor.stop()
  await supervisor.exited
  return performance.now() - startedAt
}

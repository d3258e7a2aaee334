import { Operations, type OperationsSources } from '../actors/inspector/operations.ts'
import type { ActorSystem } from '../runtime/actor/actor-system.ts'
import type { Config } from '../runtime/config/settings.ts'
import { actorChild } from '../runtime/supervision/actor-child.ts'
import type { ChildSpec } from '../runtime/supervision/child-spec.ts'

/** `/node/operations`: first up and last down, so that it can tell what the others do. */
export function operationsSubtree(
  system: ActorSystem,
  config: Config,
  sources: OperationsSources,
  onListening: (port: number) => void,
): ChildSpec {
  return actorChild<never>(system, {
    path: '/node/operations',
    mailbox: 1,
    create: () => {
      const operations = new Operations(sources, system.log)
      return {
        init: ({ ended }) => {
          ended.addEventListener('abort', () => operations.close())
          onListening(operations.listen(config.operations))
        },
        receive: () => {},
      }
    },
  }).spec
}

import type { Restart } from './child-spec.ts'

/**
 * Which children a failure takes along. Pure; supervisor.erl's `restart/3` and `terminate_children`:
 *
 * - `one_for_one`: the failed child alone
 * - `rest_for_one`: it and those after it in start order
 * - `one_for_all`: all
 *
 * The others of that scope are stopped in reverse order. Then all of it is started in order, also what had ended or been
 * terminated before ("the child process can later be restarted by the supervisor"); temporary ones are not: their specs
 * are forgotten.
 */
export type Strategy = (typeof STRATEGIES)[number]

export const STRATEGIES = ['one_for_one', 'one_for_all', 'rest_for_one'] as const

export interface GroupRestart<Member> {
  /** In the order in which they are stopped. */
  stop: Member[]
  forget: Member[]
  /** In the order in which they are started. */
  start: Member[]
}

/** `members` in start order, the failed one among them; it is none that is temporary, for these are not restarted. */
export function planRestart<Member extends { readonly restart: Restart }>(
  strategy: Strategy,
  members: Iterable<Member>,
  failed: Member,
): GroupRestart<Member> {
  if (strategy === 'one_for_one') return { stop: [], forget: [], start: [failed] }
  const all = [...members]
  const scope = strategy === 'one_for_all' ? all : all.slice(all.indexOf(failed))
  return {
    stop: scope.filter((member) => member !== failed).reverse(),
    forget: scope.filter(({ restart }) => restart === 'temporary'),
    start: scope.filter(({ restart }) => restart !== 'temporary'),
  }
}

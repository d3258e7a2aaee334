import type { Strategy } from '../../../runtime/supervision/group-restart.ts'
import { Supervisor, type SupervisorOptions } from '../../../runtime/supervision/supervisor.ts'
import { BACKOFF, clockSystem, FakeChild, MANY } from './fake-child.ts'

/** A supervisor of fake children `a`, `b`, `c`, with a budget that no test spends by accident. */
export function trio(strategy: Strategy = 'one_for_one', options: Partial<SupervisorOptions> = {}) {
  const events: string[] = []
  const [a, b, c] = ['a', 'b', 'c'].map((id) => new FakeChild(id, events)) as [
    FakeChild,
    FakeChild,
    FakeChild,
  ]
  return { ...supervise([a, b, c], { strategy, ...options }), events, a, b, c }
}

export function supervise(children: readonly FakeChild[], options: Partial<SupervisorOptions> = {}) {
  const system = clockSystem()
  const supervisor = new Supervisor(system, {
    path: '/sup',
    strategy: 'one_for_one',
    children: children.map(({ spec }) => spec),
    intensity: MANY,
    backoff: BACKOFF,
    ...options,
  })
  return { system, supervisor }
}

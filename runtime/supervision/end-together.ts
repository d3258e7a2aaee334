import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SupervisedChild } from './supervised-child.ts'

/**
 * Ends children that have no order all together, each within its own shutdown time. There can be many: so many of them as
 * `perTurn` says are told in one turn of the event loop, none waits for another, and there is no promise per child, as
 * there is none in supervisor.erl's `terminate_dynamic_children`.
 */
export async function endTogether(children: readonly SupervisedChild[], perTurn: number): Promise<void> {
  const slices: Promise<void>[] = []
  for (let from = 0; from < children.length; from += perTurn) {
    if (from > 0) await nextTurn()
    slices.push(endSlice(children.slice(from, from + perTurn)))
  }
  await Promise.all(slices)
}

/** One timer for all that have the same shutdown time. */
function endSlice(children: readonly SupervisedChild[]): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const byTime = Map.groupBy(
    children.filter(({ running, spec }) => running && typeof spec.shutdown === 'number'),
    ({ spec }) => spec.shutdown as number,
  )
  const timers = [...byTime].map(([ms, overdue]) =>
    setTimeout(() => {
      for (const child of overdue) child.kill()
    }, ms),
  )
  let left = children.length
  const onEnded = (): void => {
    if (--left > 0) return
    for (const timer of timers) clearTimeout(timer)
    resolve()
  }
  for (const child of children) {
    if (child.status === 'running') child.beginEnd(onEnded)
    else void child.end().then(onEnded)
  }
  return promise
}

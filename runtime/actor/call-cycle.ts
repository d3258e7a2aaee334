import type { Waiter } from './actor.ts'

/**
 * The way back to `asker` if it asked `target` now: the paths from `asker` by way of `target` to `asker` again. Undefined
 * when nobody on the way waits for it. Costs what is asked at the moment, and is paid by asks of handlers alone.
 */
export function callCycle(asker: Waiter, target: Waiter): string[] | undefined {
  const seen = new Set<Waiter>()
  const wayFrom = (waiter: Waiter): string[] | undefined => {
    if (waiter === asker) return [asker.path]
    if (seen.has(waiter)) return undefined
    seen.add(waiter)
    for (const next of waiter.waitsFor) {
      const way = wayFrom(next)
      if (way) return [waiter.path, ...way]
    }
    return undefined
  }
  const way = wayFrom(target)
  return way && [asker.path, ...way]
}

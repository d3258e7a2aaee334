import type { Crash } from '../supervision/child-spec.ts'

/** What chaos does to the thread that calls it, outside of any handler, as a bug in what a handler left behind would. */
export function suffer(how: Crash): void {
  switch (how) {
    case 'exception':
      setImmediate(() => {
        throw new Error('chaos: an exception outside of any handler')
      })
      break
    case 'busy-loop':
      for (;;);
    case 'heap':
      exhaustHeap()
      break
    case 'exit':
      process.exit(1)
  }
}

/** Objects of some 80 bytes; a step takes some 5 MB and is far from what one builtin could allocate in one go. */
const OBJECTS_PER_STEP = 65_536

function exhaustHeap(): void {
  const kept: object[][] = []
  for (;;) kept.push(Array.from({ length: OBJECTS_PER_STEP }, (_, index) => ({ index, of: kept.length })))
}

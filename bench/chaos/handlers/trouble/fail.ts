/** What a handler can do to its thread, or to its process. Memory is taken in steps of at most 16 MiB. */
const STEP_BYTES = 16 * 1024 * 1024
const STEP_OBJECTS = 100_000

const WAYS: Readonly<Record<string, () => void>> = {
  throw: () => {
    setTimeout(() => {
      throw new Error('thrown out of a timer')
    }, 1)
  },
  loop: () => {
    for (;;) Math.sqrt(Math.random())
  },
  /** On the heap of V8: typed arrays would lie beside it. */
  array: () => {
    const arrays: number[][] = []
    for (;;) arrays.push(new Array(STEP_BYTES / 8).fill(Math.random()))
  },
  objects: () => {
    const objects: object[] = []
    for (;;) for (let n = 0; n < STEP_OBJECTS; n++) objects.push({ n, text: `object ${objects.length}` })
  },
  exit: () => process.exit(3),
  'end-process': () => process.kill(process.pid, 'SIGKILL'),
}

export function fail(how: string): void {
  const way = Object.hasOwn(WAYS, how) ? WAYS[how] : undefined
  if (!way) throw new Error(`there is no way ${how}: there are ${Object.keys(WAYS).join(', ')}`)
  way()
}

/**
 * Waits until `condition` gives something truthy and returns it; rejects after `timeoutMs` with `what` in the message.
 * For what cannot signal by itself: state behind a socket, another process.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  what: string,
  { timeoutMs = 15_000, everyMs = 5 }: { timeoutMs?: number; everyMs?: number } = {},
): Promise<NonNullable<T>> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const value = await condition()
    if (value) return value as NonNullable<T>
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await new Promise((wake) => setTimeout(wake, everyMs))
  }
}

import { ActorCell } from '../../runtime/actor/actor-cell.ts'
import type { ActorSystem } from '../../runtime/actor/actor-system.ts'

/** us from a tell to a handled message on the main thread, a mailbox full at a time. */
const MESSAGES = 4_000_000
const MAILBOX = 1_000

export async function tellUs(system: ActorSystem): Promise<number> {
  let handled = 0
  let isOver = (): void => {}
  const actor = new ActorCell<number>(system, '/bench/counter', MAILBOX, () => ({
    receive: () => {
      if (++handled % MAILBOX === 0) isOver()
    },
  }))
  await actor.start()
  const warmUp = MESSAGES / 4
  let startedAt = 0
  for (let told = 0; told < MESSAGES; told += MAILBOX) {
    if (told === warmUp) startedAt = performance.now()
    const over = new Promise<void>((resolve) => {
      isOver = resolve
    })
    for (let i = 0; i < MAILBOX; i++)
      if (actor.tell(i) !== 'accepted') throw new Error('the mailbox took no message although it had room')
    await over
  }
  const us = ((performance.now() - startedAt) * 1000) / (MESSAGES - warmUp)
  actor.kill()
  return us
}

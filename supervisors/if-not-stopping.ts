import type { ActorContext, Behaviour, Reply } from '../runtime/actor/actor.ts'

/**
 * For actors that bring work in: one that is started again while its node stops brings nothing, and answers whatever it is
 * asked at once. Its part may be in a crash loop just then, and the drain has told its predecessors only.
 */
export const ifNotStopping =
  <Message>(isStopping: () => boolean, create: (self: ActorContext<Message>) => Behaviour<Message>) =>
  (self: ActorContext<Message>): Behaviour<Message> =>
    isStopping() ? IDLE : create(self)

const IDLE: Behaviour<unknown> = {
  receive: (message) => {
    if (typeof message === 'object' && message !== null && 'reply' in message)
      (message.reply as Reply<void>).answer(undefined)
  },
}

import { expect, onTestFinished, test } from 'vitest'
import type { Reply } from '../../runtime/actor/actor.ts'
import { ActorCell } from '../../runtime/actor/actor-cell.ts'
import { ifNotStopping } from '../../supervisors/if-not-stopping.ts'
import { testSystem } from '../support/test-system.ts'

type Message = { type: 'bring' } | { type: 'pause'; reply: Reply<void> }

test.each([
  [false, ['bring', 'pause']],
  [true, []],
])(
  'an actor that starts while its node stops (%s) receives %j, and its questions are answered',
  async (isStopping, expected) => {
    const received: string[] = []
    const create = ifNotStopping<Message>(
      () => isStopping,
      () => ({
        receive: (message) => {
          received.push(message.type)
          if (message.type === 'pause') message.reply.answer(undefined)
        },
      }),
    )
    const cell = new ActorCell<Message>(testSystem(), '/test/bringer', 10, create)
    onTestFinished(() => cell.stop())
    await cell.start()
    cell.tell({ type: 'bring' })
    await cell.ask<void>((reply) => ({ type: 'pause', reply }), 5_000)
    expect(received).toEqual(expected)
  },
)

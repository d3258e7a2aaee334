import { expect, test } from 'vitest'
import { Terminator } from '../../supervisors/terminator.ts'

test.each([
  [true, ['one', 'two']],
  [false, []],
])('when the node is stopping (%s) the steps taken, in order, are %j', async (isStopping, expected) => {
  const taken: string[] = []
  const steps = ['one', 'two'].map((step) => async () => void taken.push(step))
  await new Terminator(steps, () => isStopping).terminate()
  expect(taken).toEqual(expected)
})

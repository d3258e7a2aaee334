import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.ts'
import { TestNode } from '../support/test-node.ts'
import { until } from '../support/until.ts'

const HANDLERS = fileURLToPath(new URL('../support/handlers', import.meta.url))

test('a stop ends at its deadline, whatever is under way, says that it was cut, and the job runs after the next start', async () => {
  const directory = temporaryDirectory()
  const flags = ['--handlers-directory', HANDLERS, '--node-drain-timeout-ms', '500']
  const first = await TestNode.start(directory, flags)
  const { json } = await first.post({ kind: 'test.waiting', payload: { n: 1, ms: 3_000 } })
  const id = String(json.id)
  await until(async () => (await first.get(`/v1/jobs/${id}`)).json.status === 'running', 'the job runs')
  expect(await first.node.stop()).toBe('cut')

  const second = await TestNode.start(directory, flags)
  expect(await second.settled(id)).toMatchObject({ status: 'done', attempt: 1 })
  expect(await second.node.stop()).toBe('drained')
})

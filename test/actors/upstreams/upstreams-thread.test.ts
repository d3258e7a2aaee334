import { expect, it, onTestFinished } from 'vitest'
import start, { type UpstreamsArgs, type UpstreamsReady } from '../../../actors/upstreams/upstreams-thread.ts'

async function threadOf(args: UpstreamsArgs) {
  const posted: unknown[] = []
  const behaviour = await start(args, {
    path: '/node/upstreams',
    incarnation: 1,
    post: (message) => posted.push(message),
    setBusy: () => {},
  })
  onTestFinished(() => behaviour.terminate?.())
  const { ready } = posted[0] as UpstreamsReady
  const put = () =>
    fetch(`${ready.crm}/v1/contacts/c-1`, {
      method: 'PUT',
      headers: { 'x-tenant-id': 'acme' },
      body: '{"email":"a@b.de"}',
    })
  return { behaviour, posted, ready, put }
}

it('it says where both upstreams listen, and both answer', async () => {
  const { posted, ready, put } = await threadOf({ crm: { latencyMedianMs: 0, failureRate: 0 } })
  expect(posted).toEqual([
    {
      ready: {
        chat: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+$/),
        crm: expect.stringMatching(/^http:/),
      },
    },
  ])
  expect((await put()).status).toBe(201)
  expect((await fetch(`${ready.chat}/v1/chat/completions`, { method: 'POST', body: '{}' })).status).toBe(400)
})

it('a running upstream can be broken and healed; a setting that does not exist ends the thread', async () => {
  const { behaviour, put } = await threadOf({ crm: { latencyMedianMs: 0, failureRate: 0 } })
  await behaviour.receive({ adjust: { crm: { failureRate: 1 } } })
  expect((await put()).status).toBe(503)
  await behaviour.receive({ adjust: { crm: { failureRate: 0 }, chat: { latencyMedianMs: 5 } } })
  expect((await put()).ok).toBe(true)
  expect(() => behaviour.receive({ adjust: { chat: { latency: 5 } } })).toThrow(
    'chat.latency = 5: must be one of',
  )
  expect(() => behaviour.receive({ adjust: { crm: { failureRate: Number.NaN } } })).toThrow(
    'crm.failureRate = NaN',
  )
})

it('a successor listens where its predecessor did', async () => {
  const { behaviour, ready } = await threadOf({})
  await behaviour.terminate?.()
  const portOf = (url: string) => ({ port: Number(new URL(url).port) })
  const successor = await threadOf({ chat: portOf(ready.chat), crm: portOf(ready.crm) })
  expect(successor.ready).toEqual(ready)
})

it('after it has stopped nothing listens any more', async () => {
  const { behaviour, put } = await threadOf({})
  await behaviour.terminate?.()
  await expect(put()).rejects.toThrow('fetch failed')
})

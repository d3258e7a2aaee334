import { Worker } from 'node:worker_threads'
import type { ActorSystem } from '../../runtime/actor/actor-system.ts'
import { threadChild } from '../../runtime/threads/thread-child.ts'
import { ThreadGroup } from '../../runtime/threads/thread-group.ts'
import { nextBatch } from './batches.ts'

/** Batches a second to a thread and back, a few of them under way: by a bare worker, and by a thread actor. */
const BATCHES = 20_000
const UNDER_WAY = 8

export async function bareBatchesPerSecond(): Promise<number> {
  const worker = new Worker(new URL('./bare-batch-thread.ts', import.meta.url))
  const rate = await exchange(
    (batch) => worker.postMessage(batch, [batch]),
    (back) => worker.on('message', back),
  )
  await worker.terminate()
  return rate
}

export async function actorBatchesPerSecond(system: ActorSystem): Promise<number> {
  const group = new ThreadGroup({ name: 'bench', threadsMax: 1, heapMibMax: 256, log: system.log })
  let onBack = (): void => {}
  const { ref, spec } = threadChild(system, {
    path: '/bench/thread-1',
    group,
    module: new URL('./batch-thread.ts', import.meta.url).href,
    args: () => undefined,
    capacity: UNDER_WAY,
    shutdown: 'brutal_kill',
    startTimeoutMs: 30_000,
    onMessage: () => onBack(),
  })
  const running = await spec.start()
  const rate = await exchange(
    (batch) => {
      if (ref.tell(batch, [batch]) !== 'accepted')
        throw new Error('the thread took no batch although it had room')
    },
    (back) => {
      onBack = back
    },
  )
  running.kill()
  await running.exited
  await group.close()
  return rate
}

/** Resolves with batches per second, once the thread is warm. */
function exchange(send: (batch: ArrayBuffer) => void, onBack: (back: () => void) => void): Promise<number> {
  const warmUp = BATCHES / 4
  let sent = 0
  let received = 0
  let startedAt = 0
  return new Promise((resolve) => {
    onBack(() => {
      received++
      if (received === warmUp) startedAt = performance.now()
      if (received === BATCHES) resolve((BATCHES - warmUp) / ((performance.now() - startedAt) / 1000))
      if (sent++ < BATCHES) send(nextBatch())
    })
    for (; sent < UNDER_WAY; sent++) send(nextBatch())
  })
}

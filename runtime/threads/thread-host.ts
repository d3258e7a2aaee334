import type { MessagePort } from 'node:worker_threads'
import { ThreadBoard } from './thread-board.ts'
import type { ThreadBehaviour, ThreadModule } from './thread-module.ts'

/**
 * The one Piscina task of a thread: runs an actor's module until it is told to stop. Imports the module inside the
 * task, so that one that cannot be loaded fails this start only.
 *
 *     main → thread   { stop: true } | { message }        thread → main   { ready: true } | { message }
 *
 * The task's promise is the thread's life: it resolves after a stop, rejects when the behaviour throws. At a stop what was
 * received before is finished first, as an actor finishes its message; what comes later is not taken up.
 */
export interface HostTask {
  port: MessagePort
  board: SharedArrayBuffer
  epochMs: number
  module: string
  args: unknown
  path: string
  incarnation: number
}

export type ToThread = { stop: true } | { message: unknown }
export type FromThread = { ready: true } | { message: unknown }

const HEARTBEAT_MS = 250

export default async function host(task: HostTask): Promise<void> {
  const { port } = task
  const board = new ThreadBoard(task.epochMs, task.board)
  const beat = (): void => board.write('heartbeatMs', Date.now() - board.epochMs)
  const heart = setInterval(beat, HEARTBEAT_MS)
  const post = (message: FromThread, transfer: readonly ArrayBuffer[] = []): void =>
    port.postMessage(message, transfer)
  const setBusy = (jobs: number): void => {
    if (board.read('busy') === 0 && jobs > 0) board.write('busySinceMs', Date.now() - board.epochMs)
    board.write('busy', jobs)
  }
  try {
    beat()
    const { default: create } = (await import(task.module)) as { default: ThreadModule<unknown> }
    const behaviour = await create(task.args, {
      path: task.path,
      incarnation: task.incarnation,
      post: (message, transfer) => post({ message }, transfer),
      setBusy,
    })
    const stopped = receiveUntilStopped(port, board, behaviour)
    post({ ready: true })
    await stopped
    await behaviour.terminate?.()
  } finally {
    clearInterval(heart)
    port.close()
  }
}

/** Resolves when it was told to stop and nothing that it received before is under way. */
function receiveUntilStopped(
  port: MessagePort,
  board: ThreadBoard,
  behaviour: ThreadBehaviour,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let underWay = 0
    let stopping = false
    const endWhenIdle = (): void => {
      if (stopping && underWay === 0) resolve()
    }
    port.on('message', (envelope: ToThread) => {
      board.increment('received')
      if (stopping) return
      if ('stop' in envelope) {
        stopping = true
        return endWhenIdle()
      }
      try {
        const pending = behaviour.receive(envelope.message)
        if (pending === undefined) return
        underWay++
        pending.then(() => {
          underWay--
          endWhenIdle()
        }, reject)
      } catch (cause) {
        reject(cause)
      }
    })
  })
}

import { type MessagePort, threadId } from 'node:worker_threads'
import type { Crash } from '../supervision/child-spec.ts'
import { suffer } from './suffer.ts'
import { ThreadBoard } from './thread-board.ts'
import type { ThreadBehaviour, ThreadModuleExports } from './thread-module.ts'

/**
 * The one Piscina task of a thread: runs an actor's module until it is told to stop. Imports the module inside the
 * task, so that one that cannot be loaded fails this start only.
 *
 *     main → thread   { start } { message } … { stop }        thread → main   { prepared } { ready } { message } …
 *
 * Between `prepared` and `start` it is a spare: its module is in memory and nothing runs.
 *
 * The task's promise is the thread's life: it resolves after a stop, rejects when the behaviour throws. At a stop what was
 * received before is finished first, as an actor finishes its message; what comes later is not taken up.
 */
export interface HostTask {
  port: MessagePort
  module: string
  /** For its preparation only. */
  args: unknown
}

export interface StartOrder {
  board: SharedArrayBuffer
  epochMs: number
  args: unknown
  path: string
  incarnation: number
}

/** `crash`: chaos; the thread fails outside of any handler. */
export type ToThread = { start: StartOrder } | { stop: true } | { message: unknown } | { crash: Crash }
/** `prepared`: Node's id of the thread, by which main finds its Worker. */
export type FromThread = { prepared: number } | { ready: true } | { message: unknown }

/** A thread whose event loop turns gives a sign of life this often, however little it does. */
const HEARTBEAT_MS = 250

export default async function host({ port, module, args }: HostTask): Promise<void> {
  const post = (message: FromThread, transfer: readonly ArrayBuffer[] = []): void =>
    port.postMessage(message, transfer)
  const started = Promise.withResolvers<StartOrder>()
  // One listener for all its life: what arrives while a port has none is lost.
  let take = (envelope: ToThread): void => {
    if ('start' in envelope) started.resolve(envelope.start)
  }
  port.on('message', (envelope: ToThread) => take(envelope))
  let heart: NodeJS.Timeout | undefined
  try {
    const { default: create, prepare } = (await import(module)) as ThreadModuleExports<unknown>
    await prepare?.(args)
    post({ prepared: threadId })
    const order = await started.promise
    const board = new ThreadBoard(order.epochMs, order.board)
    const beat = (): void => board.write('heartbeatMs', Date.now() - board.epochMs)
    heart = setInterval(beat, HEARTBEAT_MS)
    beat()
    const behaviour = await create(order.args, {
      path: order.path,
      incarnation: order.incarnation,
      post: (message, transfer) => post({ message }, transfer),
      setBusy: (jobs, limitMs = 0) => {
        const before = board.read('busy')
        beat()
        if (before === 0 && jobs > 0) board.write('busySinceMs', board.read('heartbeatMs'))
        if (jobs < before) board.increment('finished', before - jobs)
        board.write('limitMs', limitMs)
        board.write('busy', jobs)
      },
    })
    const stopped = new Promise<void>((resolve, reject) => {
      take = receiver(board, behaviour, resolve, reject)
    })
    post({ ready: true })
    await stopped
    await behaviour.terminate?.()
  } finally {
    clearInterval(heart)
    port.close()
  }
}

/** Takes up what comes; `onStopped` when it was told to stop and nothing that it received before is under way. */
function receiver(
  board: ThreadBoard,
  behaviour: ThreadBehaviour,
  onStopped: () => void,
  onFailed: (cause: unknown) => void,
): (envelope: ToThread) => void {
  let underWay = 0
  let stopping = false
  const endWhenIdle = (): void => {
    if (stopping && underWay === 0) onStopped()
  }
  return (envelope) => {
    board.increment('received')
    if ('crash' in envelope) return suffer(envelope.crash)
    if (stopping) return
    if ('stop' in envelope) {
      stopping = true
      return endWhenIdle()
    }
    if (!('message' in envelope)) return
    try {
      const pending = behaviour.receive(envelope.message)
      if (pending === undefined) return
      underWay++
      pending.then(() => {
        underWay--
        endWhenIdle()
      }, onFailed)
    } catch (cause) {
      onFailed(cause)
    }
  }
}

import { MessageChannel, type MessagePort, receiveMessageOnPort, type Worker } from 'node:worker_threads'
import type { Piscina } from 'piscina'
import { type ExitReason, KILLED, NORMAL } from '../actor/exit-reason.ts'
import { exitOf } from './thread-exit.ts'
import type { FromThread, HostTask, StartOrder, ToThread } from './thread-host.ts'

/**
 * One thread, from the start of its boot to its exit; main's end of its port.
 *
 *     booting ──prepared──► spare ──start──► starting ──ready──► running ──► over
 *
 * All that it posted before its end is handed over before `exited` settles. What it posts later (a thread that is killed
 * inside a long builtin goes on to the end of that) is dropped and told to `onLate`.
 */
export class BootedThread {
  /** Never rejects. */
  readonly exited: Promise<ExitReason>
  /** Known once it is prepared. */
  worker: Worker | undefined
  readonly #port: MessagePort
  readonly #abort = new AbortController()
  readonly #prepared = Promise.withResolvers<void>()
  readonly #ready = Promise.withResolvers<void>()
  #onMessage: (message: unknown) => void = () => {}
  #onLate: () => void = () => {}
  #killed: ExitReason | undefined
  #over: ExitReason | undefined

  constructor(piscina: Piscina, { module, args }: Omit<HostTask, 'port'>) {
    const { port1, port2 } = new MessageChannel()
    this.#port = port1
    const deliver = (envelope: FromThread): void => {
      if ('message' in envelope) this.#onMessage(envelope.message)
      else if ('ready' in envelope) this.#ready.resolve()
      else {
        this.worker = piscina.threads.find(({ threadId }) => threadId === envelope.prepared)
        this.#prepared.resolve()
      }
    }
    port1.on('message', deliver)
    const task: HostTask = { port: port2, module, args }
    this.exited = piscina
      .run(task, { transferList: [port2], signal: this.#abort.signal })
      .then(
        () => NORMAL,
        (thrown) => this.#killed ?? exitOf(thrown),
      )
      .then((reason) => {
        this.#deliverRest(deliver)
        this.#over = reason
        this.#fence()
        return reason
      })
  }

  get isOver(): boolean {
    return this.#over !== undefined
  }

  /** Settles when its module is in memory; not at all when it ends before. */
  get prepared(): Promise<void> {
    return this.#prepared.promise
  }

  /** Whether it got as far as running code of this project: its module has been imported. */
  get isPrepared(): boolean {
    return this.worker !== undefined
  }

  /** Resolves when the module runs; with the reason when the thread ended before. */
  async start(
    order: StartOrder,
    onMessage: (message: unknown) => void,
    onLate: () => void,
  ): Promise<ExitReason | undefined> {
    this.#onMessage = onMessage
    this.#onLate = onLate
    const died = (await Promise.race([this.#prepared.promise, this.exited])) ?? this.#over
    if (died) return died
    this.post({ start: order })
    // Set before `ready` is heard by a thread that died right after it.
    return (await Promise.race([this.#ready.promise, this.exited])) ?? this.#over
  }

  post(envelope: ToThread, transfer: readonly ArrayBuffer[] = []): void {
    this.#port.postMessage(envelope, transfer)
  }

  /** At once, also out of a busy loop. The first reason given is the one that is known. */
  kill(reason: ExitReason = KILLED): void {
    this.#killed ??= reason
    this.#abort.abort()
  }

  /** The exit may be known before the event loop has delivered the last messages. */
  #deliverRest(deliver: (envelope: FromThread) => void): void {
    for (let last = receiveMessageOnPort(this.#port); last; last = receiveMessageOnPort(this.#port))
      deliver(last.message)
  }

  /** The port closes with the thread's end of it; a thread that never got that has to be left by this side. */
  #fence(): void {
    this.#port.removeAllListeners('message')
    this.#port.on('message', (envelope: FromThread) => {
      if ('message' in envelope) this.#onLate()
    })
    this.#port.unref()
    if (!this.isPrepared) this.#port.close()
  }
}

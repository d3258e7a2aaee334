import { Piscina } from 'piscina'
import { BOUNDS } from '../config/bounds.ts'
import type { Logger } from '../observe/logger.ts'
import { BootedThread } from './booted-thread.ts'
import { threadExit } from './thread-exit.ts'
import type { HostTask } from './thread-host.ts'

/**
 * The threads of one pool: a Piscina that runs one never-ending host task per thread. Piscina starts and ends threads;
 * it decides nothing: no minimum, no queue used as a mailbox, no restart.
 *
 * A group that keeps a spare has one more thread, which has imported its module and waits: a replacement then takes
 * milliseconds, where loading handlers takes a fifth of a second. A spare does not see what changes in a module's files
 * after it was booted; the thread after it does.
 */
export interface ThreadGroupOptions {
  name: string
  /** Threads that serve at once; replacements may boot beside them. */
  threadsMax: number
  /** V8's hard limit per thread, in MiB. */
  heapMibMax: number
  keepsSpare?: boolean
  /** Of nice(2), above that of the main thread, which answers requests: where all compete for the same cores, it goes first. */
  nice?: number
  log: Logger
}

type Boot = Omit<HostTask, 'port'>

const HOST = new URL('./thread-host.ts', import.meta.url).href

/** A worker that fails so before it took its task leaves the task waiting. */
const BOOT_FAILURES = ['ERR_WORKER_INIT_FAILED', 'ERR_WORKER_OUT_OF_MEMORY']

export class ThreadGroup {
  readonly #options: ThreadGroupOptions
  /** Those before, as long as threads of theirs live. */
  #retired: Piscina[] = []
  #piscina: Piscina
  #booting = new Set<BootedThread>()
  #spare: { thread: BootedThread; module: string } | undefined
  #isClosed = false

  constructor(options: ThreadGroupOptions) {
    this.#options = options
    this.#piscina = this.#create()
  }

  /** The spare if there is one, prepared or about to be; else a new thread. */
  take(boot: Boot): BootedThread {
    const spare = this.#spare
    if (spare?.module !== boot.module || spare.thread.isOver) return this.#boot(boot)
    this.#spare = undefined
    return spare.thread
  }

  /** Boots a spare where there is none: for whom has taken one, once it runs. */
  refill(boot: Boot): void {
    if (!this.#options.keepsSpare || this.#isClosed) return
    if (this.#spare && !this.#spare.thread.isOver) return
    this.#spare = { thread: this.#boot(boot), module: boot.module }
  }

  /** A thread that never came up latches its Piscina for good: the next start gets a new one. */
  renew(): void {
    this.dropSpare()
    const [alive, over] = partition([...this.#retired, this.#piscina], ({ threads }) => threads.length > 0)
    this.#retired = alive
    for (const piscina of over) void destroyWithin(piscina)
    this.#piscina = this.#create()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    this.dropSpare()
    await Promise.all([this.#piscina, ...this.#retired].map(destroyWithin))
  }

  #boot(boot: Boot): BootedThread {
    const thread = new BootedThread(this.#piscina, boot)
    this.#booting.add(thread)
    const forget = (): void => void this.#booting.delete(thread)
    void Promise.race([thread.prepared, thread.exited]).then(forget)
    return thread
  }

  /** Nothing of the group is to be restarted any more. */
  dropSpare(): void {
    this.#spare?.thread.kill()
    this.#spare = undefined
  }

  #create(): Piscina {
    const { name, threadsMax, heapMibMax, nice = 0, log } = this.#options
    const piscina = new Piscina({
      filename: HOST,
      minThreads: 0,
      // All of them may be replaced at once, beside a spare.
      maxThreads: threadsMax * 2 + 1,
      concurrentTasksPerWorker: 1,
      // The default blocks an idle thread's event loop, timers included.
      atomics: 'disabled',
      // A thread is never used for a second actor: what the first one left behind dies with it.
      idleTimeout: 0,
      niceIncrement: nice,
      resourceLimits: { maxOldGenerationSizeMb: heapMibMax },
    })
    piscina.on('error', (err) => {
      log.error({ group: name, err }, 'thread group error')
      if (!('code' in err) || !BOOT_FAILURES.includes(err.code)) return
      for (const thread of this.#booting) thread.kill(threadExit('boot', err))
    })
    return piscina
  }
}

function partition<Item>(items: readonly Item[], belongs: (item: Item) => boolean): [Item[], Item[]] {
  return [items.filter(belongs), items.filter((item) => !belongs(item))]
}

/** Piscina waits for `terminate()`, which may never resolve. */
async function destroyWithin(piscina: Piscina): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, BOUNDS.kernel.threadGroupEndMs)
  await Promise.race([piscina.destroy(), late])
  clearTimeout(timer)
}

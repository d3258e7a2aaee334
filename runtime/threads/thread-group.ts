import { Piscina } from 'piscina'
import { BOUNDS } from '../config/bounds.ts'
import type { Logger } from '../observe/logger.ts'
import type { HostTask } from './thread-host.ts'

/**
 * The threads of one pool: a Piscina that runs one never-ending host task per thread. Piscina starts and ends threads;
 * it decides nothing: no minimum, no queue used as a mailbox, no restart.
 */
export interface ThreadGroupOptions {
  name: string
  /** Threads that may live at once; a replacement may start while its predecessor still ends. */
  threadsMax: number
  /** V8's hard limit per thread, in MiB. */
  heapMibMax: number
  log: Logger
}

/** The main thread answers requests: where all compete for the same cores, it goes first. */
const NICE_INCREMENT = 10

const HOST = new URL('./thread-host.ts', import.meta.url).href

export class ThreadGroup {
  readonly #options: ThreadGroupOptions
  /** Those before, as long as threads of theirs live. */
  #retired: Piscina[] = []
  #piscina: Piscina

  constructor(options: ThreadGroupOptions) {
    this.#options = options
    this.#piscina = this.#create()
  }

  /** Settles when the thread's life is over; `signal` ends it at once, also out of a busy loop. */
  async run(task: HostTask, signal: AbortSignal): Promise<void> {
    await this.#piscina.run(task, { transferList: [task.port], signal })
  }

  /** A thread that never came up latches its Piscina for good: the next start gets a new one. */
  renew(): void {
    const [alive, over] = partition([...this.#retired, this.#piscina], ({ threads }) => threads.length > 0)
    this.#retired = alive
    for (const piscina of over) void destroyWithin(piscina)
    this.#piscina = this.#create()
  }

  async close(): Promise<void> {
    await Promise.all([this.#piscina, ...this.#retired].map(destroyWithin))
  }

  #create(): Piscina {
    const { name, threadsMax, heapMibMax, log } = this.#options
    const piscina = new Piscina({
      filename: HOST,
      minThreads: 0,
      maxThreads: threadsMax * 2,
      concurrentTasksPerWorker: 1,
      // The default blocks an idle thread's event loop, timers included.
      atomics: 'disabled',
      // A thread is never used for a second actor: what the first one left behind dies with it.
      idleTimeout: 0,
      niceIncrement: NICE_INCREMENT,
      resourceLimits: { maxOldGenerationSizeMb: heapMibMax },
    })
    piscina.on('error', (err) => log.error({ group: name, err }, 'thread group error'))
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

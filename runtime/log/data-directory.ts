import { randomUUID } from 'node:crypto'
import { closeSync, constants, linkSync, mkdirSync, openSync, readdirSync, rmSync } from 'node:fs'
import { createConnection, createServer, type Server } from 'node:net'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import { BOUNDS } from '../config/bounds.ts'

/**
 * One node per data directory. The lock is a listening Unix socket inside the directory: the kernel stops answering
 * for it the moment its process dies, so kill -9 leaves nothing stale, and neither reused process ids nor containers
 * in which every node is process 1 can fool it.
 *
 * Taking over a dead lock must be atomic, hence numbered tickets `lock-1`, `lock-2` …:
 * - the highest ticket is the lock; it is held while its socket answers;
 * - a newcomer listens first and then links its socket as the next number, which only one can do;
 * - the highest ticket is never removed, so a newcomer that was held up in between finds a higher one and gives way.
 */
export interface DataDirectory {
  /** Absolute. */
  readonly path: string
  /** Lets the next process in. Idempotent. */
  release(): Promise<void>
}

class DataDirectoryError extends Error {
  override readonly name = 'DataDirectoryError'
}

const TICKET = /^lock-(\d+)$/
const ANSWER_TIMEOUT_MS = BOUNDS.log.lockAnswerTimeoutMs

/** Creates the directory (mode 0700) if needed and locks it. Rejects with DataDirectoryError. */
export async function lockDataDirectory(path: string): Promise<DataDirectory> {
  const absolute = resolve(path)
  try {
    mkdirSync(absolute, { recursive: true, mode: 0o700 })
    const server = await takeTicket(absolute)
    return { path: absolute, release: () => closed(server) }
  } catch (error) {
    if (error instanceof DataDirectoryError) throw error
    throw new DataDirectoryError(
      `data directory ${absolute} can't be used: ${(error as Error).message}. ` +
        `It must be a directory on a local disk that user ${process.getuid?.()} may write to`,
      { cause: error },
    )
  }
}

async function takeTicket(path: string): Promise<Server> {
  const descriptor = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
  // Socket paths are limited to 107 bytes; by way of the descriptor a directory of any length will do.
  const directory = `/proc/self/fd/${descriptor}`
  const socket = join(directory, `.lock-${randomUUID()}`)
  const server = createServer((client) =>
    client.on('error', () => {}).end(`process ${process.pid} on ${hostname()}`),
  )
  try {
    await listening(server, socket)
    for (;;) {
      const newest = newestTicket(directory)
      const owner = await ownerOf(join(directory, `lock-${newest}`))
      if (owner !== undefined)
        throw new DataDirectoryError(
          `data directory ${path} is in use by ${owner}: stop that node, or give this one a directory of its own`,
        )
      if (!linked(socket, join(directory, `lock-${newest + 1}`))) continue
      if (newestTicket(directory) === newest + 1) {
        removeTicketsBelow(directory, newest + 1)
        return server
      }
      rmSync(join(directory, `lock-${newest + 1}`))
    }
  } catch (error) {
    await closed(server)
    throw error
  } finally {
    rmSync(socket, { force: true })
    closeSync(descriptor)
  }
}

const tickets = (directory: string): number[] =>
  readdirSync(directory)
    .flatMap((name) => TICKET.exec(name)?.[1] ?? [])
    .map(Number)

const newestTicket = (directory: string): number => Math.max(0, ...tickets(directory))

function removeTicketsBelow(directory: string, number: number): void {
  for (const ticket of tickets(directory))
    if (ticket < number) rmSync(join(directory, `lock-${ticket}`), { force: true })
}

/** False when somebody else was faster. */
function linked(socket: string, ticket: string): boolean {
  try {
    linkSync(socket, ticket)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
}

/** Who holds this ticket; undefined when nobody does. A process that hangs or is stopped holds it all the same. */
function ownerOf(ticket: string): Promise<string | undefined> {
  return new Promise((settle, reject) => {
    let answer = ''
    const alive = () => settle(answer || 'a process that does not answer')
    const socket = createConnection(ticket)
      .setEncoding('utf8')
      .setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy())
      .on('data', (text: string) => {
        answer += text
      })
      .on('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') settle(undefined)
        else if (error.code === 'EAGAIN' || error.code === 'ECONNRESET') alive()
        else reject(error)
      })
      .on('close', alive)
  })
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ path, exclusive: true }, () => {
      server.off('error', reject)
      server.unref()
      resolve()
    })
  })
}

const closed = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()))

import { setTimeout as wait } from 'node:timers/promises'
import type { How } from '../../actors/inspector/kill.ts'

/** The operations port of a node, as chaos uses it: its tree, and `POST /inspect/kill`. */
/** What every entry of the tree says, and what those of threads and of supervisors add. */
export interface TreeNode {
  path: string
  type: 'actor' | 'thread' | 'supervisor'
  status: string
  incarnation: number
  restarts: number
  lastExit?: { reason: string; at: string }
  /** Of a thread: messages that its present incarnation has received. */
  handled?: number
  busyJobs?: number
  budget?: { used: number; intensity: number | null }
  children?: readonly TreeNode[]
}

const POLL_MS = 10

export class OperationsPort {
  readonly #url: string
  #isGone = false

  /** `gone`: the node has ended; nothing of it is waited for any more. */
  constructor(port: number, gone: Promise<unknown>) {
    this.#url = `http://127.0.0.1:${port}`
    void gone.then(() => {
      this.#isGone = true
    })
  }

  /** Every actor of the tree, each before its own children; of the root, which has no supervisor, it is known that it runs. */
  async actors(): Promise<TreeNode[]> {
    const response = await fetch(`${this.#url}/inspect`)
    const { tree } = (await response.json()) as { tree: TreeNode }
    return [{ ...tree, status: 'running' }, ...below(tree)]
  }

  /** The problem's detail where it was refused. Rejects when the answer was cut, as that of the operations actor itself is. */
  async kill(path: string, how: How): Promise<{ incarnation: number } | { refused: string; status: number }> {
    const response = await fetch(`${this.#url}/inspect/kill`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ path, how }),
    })
    const answer = (await response.json()) as { incarnation: number; detail?: string }
    return response.ok ? answer : { refused: answer.detail ?? '', status: response.status }
  }

  /** Asks until `holds`; the actors then, or undefined when it did not within `timeoutMs`. A port that is away is asked again. */
  async until(
    holds: (actors: readonly TreeNode[]) => boolean,
    timeoutMs: number,
    everyMs = POLL_MS,
  ): Promise<TreeNode[] | undefined> {
    const deadline = performance.now() + timeoutMs
    for (;;) {
      const actors = await this.actors().catch(() => undefined)
      if (actors && holds(actors)) return actors
      if (this.#isGone || performance.now() > deadline) return undefined
      await wait(everyMs)
    }
  }
}

const below = ({ children = [] }: TreeNode): TreeNode[] =>
  children.flatMap((child) => [child, ...below(child)])

export const isAtRest = (actors: readonly TreeNode[]): boolean =>
  actors.every(({ status }) => status === 'running')

/** The threads of the pools. */
export const poolThreads = (actors: readonly TreeNode[]): TreeNode[] =>
  actors.filter(({ type, path }) => type === 'thread' && path.startsWith('/node/pools/'))

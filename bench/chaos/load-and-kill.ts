import type { Judgement } from './judge.ts'
import type { NodeProcess } from './node-process.ts'
import type { Sender } from './sender.ts'

/** Load on a node until so many jobs are accepted, then kill -9. */
export interface Kill {
  node: NodeProcess
  sender: Sender
  round: number
  ratePerSecond: number
  /** Accepted jobs, and what comes after the last of them. */
  killAt: number
  killAfterMs: number
}

export interface Killed {
  round: number
  /** Answers 202 of this load. */
  accepted: number
  /** It ran until our signal. */
  wasRunning: boolean
  /** The exit code, or the signal that ended it. */
  exit: number | NodeJS.Signals
  /** The end of what it wrote. */
  said: string
}

const LOAD_MS_MAX = 20_000
const SAID_CHARS = 600

/** Resolves when the node is gone. */
export async function loadAndKill(given: Kill): Promise<Killed> {
  const { node, sender, round, ratePerSecond, killAt, killAfterMs } = given
  let accepted = 0
  let isKilled = false
  const { seconds } = await sender.load({
    port: node.httpPort,
    round,
    ratePerSecond,
    durationMs: LOAD_MS_MAX,
    onVerdict: ({ verdict }) => {
      if (verdict !== 'accepted' || ++accepted !== killAt) return
      setTimeout(() => {
        isKilled = true
        node.signal('SIGKILL')
      }, killAfterMs)
    },
  })
  // Without a kill the load lasts as long as it may, unless the node has gone before: too slow for the load is weak only.
  const wasRunning = isKilled || seconds * 1000 >= LOAD_MS_MAX
  node.signal('SIGKILL')
  return { round, accepted, wasRunning, exit: await node.ended, said: node.output.slice(-SAID_CHARS) }
}

/** A node that dies before it is killed has broken its word, however well it comes back. Pure. */
export function ranUntilKilled(kills: readonly Killed[]): Judgement {
  return {
    promise: 'alive',
    summary: `${kills.length} kills, each of a node that ran until then`,
    offences: kills
      .filter(({ wasRunning, exit }) => !wasRunning || exit !== 'SIGKILL')
      .map(({ round, exit, said }) => `round ${round}: the node ended by itself, with ${exit}: ${said}`),
  }
}

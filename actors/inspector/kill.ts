import { BOUNDS } from '../../runtime/config/bounds.ts'
import { didYouMean } from '../../runtime/config/layer.ts'
import { isLoopback } from '../../runtime/config/loopback.ts'
import type { Exchange } from '../../runtime/http/exchange.ts'
import { type Checked, quotedUpTo, type Refusal, refuse } from '../../runtime/http/refusal.ts'
import type { RunningChild } from '../../runtime/supervision/child-spec.ts'
import { type ActorView, actorsIn } from './actors-in.ts'

/**
 * `POST /inspect/kill`: ends one actor on purpose, so that what its supervisor makes of that can be seen.
 *
 *     {"path": "/node/pools/pool-a/threads/thread-1", "how": "busy-loop"}   →   200 {"path", "how", "incarnation"}
 *
 * `kill` interrupts it, `stop` lets it finish what it is at; `exception`, `busy-loop`, `heap` (exhausts it) and `exit` make
 * it fail from inside: threads take all of these, other actors `exception`, supervisors none. An actor that ends is not
 * awaited. `/node/operations`, which would answer, cuts the request instead.
 *
 * Only where `chaos.enabled` says so. The port has no credentials then, so that what a web page could have a browser send
 * is refused: a Host that is not this machine (DNS rebinding), a Content-Type for which no preflight is needed.
 */
export interface KillSources {
  isEnabled: boolean
  /** The running child of that path. */
  find(path: string): RunningChild | undefined
  /** The tree, as `/inspect` shows it. */
  tree(): unknown
}

export const HOWS = ['kill', 'stop', 'exception', 'busy-loop', 'heap', 'exit'] as const
export type How = (typeof HOWS)[number]

interface Kill {
  path: string
  how: How
}

export function postKill(exchange: Exchange, sources: KillSources): void {
  const refusal = refuseCaller(exchange, sources.isEnabled)
  if (refusal) exchange.refuse(refusal)
  else
    exchange.receive(BOUNDS.inspector.killBodyBytesMax, {
      onBody: (body) => {
        const kill = readKill(body)
        const killed = kill.ok ? endActor(kill.value, sources) : kill
        if (killed.ok) exchange.respond(200, [JSON_TYPE], `${JSON.stringify(killed.value)}\n`)
        else exchange.refuse(killed)
      },
      onLost: () => {},
    })
}

function refuseCaller(exchange: Exchange, isEnabled: boolean): Refusal | undefined {
  if (!isEnabled)
    return refuse('chaos-disabled', 'start the node with chaos.enabled (--chaos-enabled true) to allow it')
  const host = exchange.header('host') ?? ''
  if (!isLoopback(host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')))
    return refuse('wrong-host', `Host ${quoted(host)}: ask 127.0.0.1 or localhost`)
  const [mediaType = ''] = (exchange.header('content-type') ?? '').split(';', 1)
  if (mediaType.trim().toLowerCase() !== 'application/json')
    return refuse('unsupported-media-type', `Content-Type ${quoted(mediaType)}: send application/json`)
  return undefined
}

function readKill(body: Buffer): Checked<Kill> {
  let value: unknown
  try {
    value = JSON.parse(body.toString())
  } catch (cause) {
    return refuse('invalid-json', (cause as Error).message)
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuse('invalid-kill', 'send an object: {"path": "/node/…", "how": "kill"}')
  const { path, how, ...others } = value as Record<string, unknown>
  const [other] = Object.keys(others)
  if (other !== undefined)
    return refuse('invalid-kill', `${quoted(other)} is not known here: there are path and how`)
  if (typeof path !== 'string')
    return refuse('invalid-kill', 'path must be the path of an actor, as /inspect has it')
  if (!isHow(how)) return refuse('invalid-kill', `how must be one of ${HOWS.join(', ')}`)
  return { ok: true, value: { path, how } }
}

const isHow = (how: unknown): how is How => HOWS.some((one) => one === how)

function endActor({ path, how }: Kill, { find, tree }: KillSources): Checked<Kill & { incarnation: number }> {
  const actors = actorsIn(tree())
  const child = find(path)
  if (!child) return refuse('actor-not-running', whyNot(path, actors))
  const incarnation = actors.find((actor) => actor.path === path)?.incarnation ?? 0
  if (how === 'kill') child.kill()
  else if (how === 'stop') child.stop()
  else if (!child.crash?.(how))
    return refuse(
      'cannot-end-so',
      `${path} cannot suffer ${how}: threads take ${HOWS.join(', ')}; other actors kill, stop, exception; supervisors kill, stop`,
    )
  return { ok: true, value: { path, how, incarnation } }
}

function whyNot(path: string, actors: readonly ActorView[]): string {
  const known = actors.find((actor) => actor.path === path)
  if (known) return `${path} is ${known.status}`
  const paths = actors.map((actor) => actor.path)
  return `${quoted(path)} is not in the tree${didYouMean(path, paths)}; there are ${paths.join(', ')}`
}

/** As long as paths are. */
const quoted = (text: string): string => quotedUpTo(QUOTED_CHARS_MAX, text)

const QUOTED_CHARS_MAX = 100
const JSON_TYPE = ['content-type', 'application/json'] as const

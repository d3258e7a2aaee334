import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * Where a node's CPU time goes, by thread and stage, from the profiles that `node --cpu-prof` writes, one per thread. A
 * sample belongs to the folder of the nearest of our files on its stack: what a stage has others do (a copy, a clone, a
 * parse) is its own. Samples without such a file are the engine's.
 */
export interface StageShare {
  thread: string
  stage: string
  seconds: number
}

interface Profile {
  nodes: readonly ProfileNode[]
  /** Microseconds of a clock that all threads share. */
  startTime: number
  samples: readonly number[]
  /** Microseconds since the sample before. */
  timeDeltas: readonly number[]
}

interface ProfileNode {
  id: number
  callFrame: { functionName: string; url: string }
  children?: readonly number[]
}

/** A thread is known by a module that only it runs. */
const THREADS: readonly (readonly [module: string, thread: string])[] = [
  ['supervisors/node.ts', 'main'],
  ['actors/pool/pool-thread.ts', 'pool threads'],
  ['runtime/store/pglite-thread.ts', 'database'],
]
const GARBAGE_COLLECTOR = '(garbage collector)'
const IDLE = '(idle)'

/**
 * Summed over the threads of one name; the largest share of each thread first. What comes before the main thread's first
 * work for a pool is the start of the node, and not counted.
 */
export function stageShares(directory: string): StageShare[] {
  const seconds = new Map<string, number>()
  const profiles = readdirSync(directory)
    .filter((name) => name.endsWith('.cpuprofile'))
    .map((file) => JSON.parse(readFileSync(join(directory, file), 'utf8')) as Profile)
  const main = profiles.find((profile) => threadOf(profile) === 'main')
  if (!main) throw new Error(`${directory} holds no profile of a node's main thread`)
  const startsAt = [...timedStages(main)].find(([, stage]) => stage === 'actors/pool')?.[0] ?? 0
  for (const profile of profiles) {
    const thread = threadOf(profile)
    if (thread === undefined) continue
    for (const [stage, spent] of secondsByStage(profile, startsAt)) {
      const key = `${thread}\n${stage}`
      seconds.set(key, (seconds.get(key) ?? 0) + spent)
    }
  }
  const order = THREADS.map(([, thread]) => thread)
  return [...seconds]
    .map(([key, spent]) => {
      const [thread = '', stage = ''] = key.split('\n')
      return { thread, stage, seconds: spent }
    })
    .sort((a, b) => order.indexOf(a.thread) - order.indexOf(b.thread) || b.seconds - a.seconds)
}

function threadOf({ nodes }: Profile): string | undefined {
  return THREADS.find(([module]) => nodes.some(({ callFrame: { url } }) => url.endsWith(module)))?.[1]
}

function secondsByStage(profile: Profile, startsAt: number): Map<string, number> {
  const seconds = new Map<string, number>()
  for (const [at, stage, spent] of timedStages(profile))
    if (stage !== undefined && at >= startsAt) seconds.set(stage, (seconds.get(stage) ?? 0) + spent / 1e6)
  return seconds
}

/** Of each sample its time, its stage (undefined: idle), and the time that it stands for, in microseconds. */
function* timedStages({ nodes, startTime, samples, timeDeltas }: Profile) {
  const stageOfNode = stagesOf(nodes)
  let at = startTime
  for (const [i, id] of samples.entries()) {
    const spent = timeDeltas[i] ?? 0
    at += spent
    yield [at, stageOfNode.get(id), spent] as const
  }
}

/** Undefined for idle time. Parents stand before their children. */
function stagesOf(nodes: readonly ProfileNode[]): Map<number, string | undefined> {
  const inherited = new Map<number, string>()
  const stages = new Map<number, string | undefined>()
  for (const { id, callFrame, children = [] } of nodes) {
    const { functionName, url } = callFrame
    const stage =
      stageOfFile(url) ??
      (functionName === GARBAGE_COLLECTOR ? 'garbage collection' : (inherited.get(id) ?? 'node'))
    stages.set(id, functionName === IDLE ? undefined : stage)
    for (const child of children) inherited.set(child, stage)
  }
  return stages
}

const STAGE = /\/((?:actors|runtime|supervisors)\/[a-z-]+)\//

/** Of files below `node_modules` undefined: they work for who calls them. */
const stageOfFile = (url: string): string | undefined =>
  url.includes('/node_modules/') ? undefined : STAGE.exec(url)?.[1]

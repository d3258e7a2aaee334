import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { dataDirIn } from '../load/node.ts'
import { Random } from '../load/random.ts'
import { type Judge, judgeDrained, merged } from './evidence.ts'
import type { Judgement } from './judge.ts'
import { Ledger } from './ledger.ts'
import { NodeProcess } from './node-process.ts'
import { OperationsPort } from './operations-port.ts'
import type { ScenarioOptions, ScenarioResult } from './scenario.ts'
import { Sender } from './sender.ts'
import { Workload, type WorkloadOptions } from './workload.ts'

/**
 * What happens inside of one node while it is under load, and which its process must live through:
 *
 *     start ─► the scenario's rounds ─► the backlog is worked off, every job is looked up ─► stop ─► its disk is judged
 */
export interface OneNode {
  node: NodeProcess
  port: OperationsPort
  sender: Sender
  ledger: Ledger
  random: Random
  /** Where the scenario puts what it finds, as it finds it. */
  judgements: Judgement[]
  weaknesses: string[]
}

export interface OneNodeOptions {
  flags?: readonly string[]
  workload?: WorkloadOptions
  judges?: readonly Judge[]
  /** As in `NodeOptions`. */
  under?: readonly string[]
  env?: Readonly<Record<string, string>>
}

const SAID_CHARS = 1_500

export async function onOneNode(
  { seed, directory, entry }: ScenarioOptions,
  { flags = [], workload = {}, judges = [], under = [], env = {} }: OneNodeOptions,
  run: (given: OneNode) => Promise<void>,
): Promise<ScenarioResult> {
  const ledger = new Ledger()
  const sender = new Sender({ workload: new Workload(seed, workload), ledger, seed })
  const judgements: Judgement[] = []
  const weaknesses: string[] = []
  const node = await NodeProcess.start({
    dataDir: dataDirIn(directory),
    flags: ['--chaos-enabled', 'true', ...flags],
    under,
    env,
    ports: { http: await freePort(), operations: await freePort() },
    ...(entry ? { entry } : {}),
  })
  let ended: number | NodeJS.Signals | undefined
  let isStopped = false
  void node.ended.then((how) => {
    if (!isStopped) ended = how
  })
  const port = new OperationsPort(node.operationsPort, node.ended)
  try {
    await run({ node, port, sender, ledger, random: new Random(seed), judgements, weaknesses })
    isStopped = true
    if (ended === undefined) judgements.push(...(await judgeDrained(node, ledger, judges)))
  } catch (cause) {
    // Of a node that is gone nothing more can be asked: that is what is judged.
    if ((await Promise.race([node.ended, undefined])) === undefined) throw cause
    ended ??= await node.ended
  } finally {
    await node.end()
    ledger.write(join(directory, 'ledger.ndjson'))
  }
  return { judgements: merged([livedThrough(ended, node.output), ...judgements]), weaknesses }
}

/** Free just now: an actor that listens is found again where it was. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** The process never ended. */
function livedThrough(ended: number | NodeJS.Signals | undefined, output: string): Judgement {
  return {
    promise: 'alive',
    summary: 'the process lived through all of it',
    offences: ended === undefined ? [] : [`it ended with ${ended}: ${output.slice(-SAID_CHARS)}`],
  }
}

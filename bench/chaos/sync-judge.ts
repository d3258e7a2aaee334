import type { Judgement } from './judge.ts'
import { descriptorOf, fileOf, parseTrace, type Syscall } from './syscalls.ts'

/**
 * S1 by the system calls of a node: kill -9 cannot tell what is on the disk from what is in the page cache. Pure.
 *
 * Each 202 must be sent after its job is durable in the log's file, which takes LMDB three steps:
 *
 *     write of the pages with the job ─► sync of the file ─► write of the meta page, which is synced too ─► 202 is sent
 *
 * each begun after the one before had ended. The meta page goes through a descriptor opened with O_DSYNC; a plain write
 * and a second sync are as good.
 */
export function judgeSyncs(trace: string, logFile: string): Judgement {
  const calls = parseTrace(trace)
  const synchronous = synchronousDescriptors(calls, logFile)
  const ofLog = calls.filter((call) => fileOf(call) === logFile)
  const writes = ofLog.filter(({ name }) => WRITES.has(name))
  const syncs = ofLog.filter(({ name }) => SYNCS.has(name))
  const commits = writes.flatMap((write) => {
    if (synchronous.has(descriptorOf(write) ?? '')) return [write]
    const sync = firstAfter(syncs, write.endedAt)
    return sync ? [{ ...write, endedAt: sync.endedAt }] : []
  })

  const offences: string[] = []
  let answers = 0
  for (const answer of calls.filter(isAccepted))
    for (const [, id = ''] of answer.args.matchAll(ID)) {
      answers++
      const append = writes.find(({ args }) => args.includes(id))
      const sync = append && firstAfter(syncs, append.endedAt)
      const commit = sync && firstAfter(commits, sync.endedAt)
      if (!append || append.endedAt >= answer.beganAt)
        offences.push(`the 202 of ${id} was sent before its job was written to ${logFile}`)
      else if (!sync || sync.endedAt >= answer.beganAt)
        offences.push(`the 202 of ${id} was sent before ${logFile} was synced`)
      else if (!commit || commit.endedAt >= answer.beganAt)
        offences.push(`the 202 of ${id} was sent before the transaction of its job was durable in ${logFile}`)
    }
  const counts = `${answers} answers 202, ${writes.length} writes and ${syncs.length} syncs of the log's file`
  return {
    promise: 'S1 by strace',
    summary: `${counts}; each answer sent after its sync had ended`,
    offences,
  }
}

/** What strace has to be told to show. */
export const TRACED = [
  'openat',
  ...['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2', 'sendto', 'sendmsg'],
  ...['fsync', 'fdatasync', 'msync', 'sync_file_range'],
]

const WRITES = new Set(['write', 'writev', 'pwrite64', 'pwritev', 'pwritev2'])
/** Not sync_file_range, which makes nothing durable; nor msync, which names no file: this log does not write by mapping. */
const SYNCS = new Set(['fsync', 'fdatasync'])
const SENDS = new Set(['write', 'writev', 'sendto', 'sendmsg'])
const ID = /\\"id\\":\\"([\w-]{48})\\"/g

const isAccepted = (call: Syscall): boolean =>
  SENDS.has(call.name) && fileOf(call)?.startsWith('TCP:') === true && call.args.includes('HTTP/1.1 202 ')

/** Calls are in the order of their beginnings; those that failed did nothing. */
const firstAfter = (calls: readonly Syscall[], at: number): Syscall | undefined =>
  calls.find(({ beganAt, result }) => beganAt > at && !result.startsWith('-1'))

/** Descriptors through which every write of the file is synced by itself. */
function synchronousDescriptors(calls: readonly Syscall[], file: string): Set<string> {
  const opened = calls.filter(({ name, result }) => name === 'openat' && result.endsWith(`<${file}>`))
  return new Set(
    opened
      .filter(({ args }) => /\bO_D?SYNC\b/.test(args))
      .map(({ result }) => /^\d+/.exec(result)?.[0] ?? ''),
  )
}

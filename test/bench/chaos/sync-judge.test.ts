import { expect, test } from 'vitest'
import { judgeSyncs } from '../../../bench/chaos/sync-judge.ts'

/** Traces as strace writes them, cut to what counts. */
const LOG = '/data/log/data.mdb'
const ID = '16rc0'.padEnd(48, 'x')
const OPENED = `7 openat(AT_FDCWD</>, "${LOG}", O_WRONLY|O_DSYNC|O_CLOEXEC) = 25<${LOG}>`
const APPEND = `8 pwrite64(24<${LOG}>, "\\0\\1${ID}\\0", 4096, 8192) = 4096`
const SYNC = `8 fdatasync(24<${LOG}>) = 0`
const META = `8 pwrite64(25<${LOG}>, "\\0\\0", 120, 24) = 120`
const ANSWER = `7 sendto(30<TCP:[127.0.0.1:7070->127.0.0.1:4242]>, "HTTP/1.1 202 Accepted\\r\\n\\r\\n{\\"id\\":\\"${ID}\\"}", 240, MSG_NOSIGNAL, NULL, 0) = 240`

const offences = (...lines: string[]): readonly string[] =>
  judgeSyncs([...lines, ''].join('\n'), LOG).offences

test('an answer behind the synced transaction of its job is as it should be', () => {
  const { summary, offences } = judgeSyncs([OPENED, APPEND, SYNC, META, ANSWER].join('\n'), LOG)
  expect(offences).toEqual([])
  expect(summary).toMatch(/^1 answers 202, 2 writes and 1 syncs/)
})

test('an answer before the append, the sync or the commit is found', () => {
  expect(offences(OPENED, ANSWER, APPEND, SYNC, META)).toEqual([
    expect.stringContaining('before its job was written'),
  ])
  expect(offences(OPENED, APPEND, META, ANSWER)).toEqual([
    expect.stringMatching(/was sent before .* was synced/),
  ])
  expect(offences(OPENED, SYNC, APPEND, META, ANSWER)).toEqual([
    expect.stringMatching(/was sent before .* was synced/),
  ])
  expect(offences(OPENED, APPEND, SYNC, ANSWER, META)).toEqual([
    expect.stringContaining('before the transaction'),
  ])
})

test('a meta page by a plain descriptor needs a sync of its own', () => {
  expect(offences(APPEND, SYNC, META, ANSWER)).toEqual([expect.stringContaining('before the transaction')])
  expect(offences(APPEND, SYNC, META, SYNC, ANSWER)).toEqual([])
})

test('a sync that began before the append had ended, or has not ended, does not count; one that failed neither', () => {
  const begun = `9 fdatasync(24<${LOG}> <unfinished ...>`
  const resumed = '9 <... fdatasync resumed>) = 0'
  expect(offences(OPENED, begun, APPEND, resumed, META, ANSWER)).toHaveLength(1)
  expect(offences(OPENED, APPEND, begun, META, ANSWER, resumed)).toHaveLength(1)
  expect(offences(OPENED, APPEND, begun, resumed, META, ANSWER)).toEqual([])
  expect(offences(OPENED, APPEND, SYNC.replace('= 0', '= -1 EIO'), META, ANSWER)).toHaveLength(1)
})

test('a sync of another file is none', () => {
  expect(offences(OPENED, APPEND, SYNC.replace(LOG, '/data/other.mdb'), META, ANSWER)).toHaveLength(1)
})

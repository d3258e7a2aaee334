import { spawn } from 'node:child_process'
import {
  closeSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { open as openLmdb } from 'lmdb'
import { expect, onTestFinished, test } from 'vitest'
import { readNewestMeta } from '../../../runtime/lmdb/data-file.ts'
import { type LmdbLog, openLmdbLog } from '../../../runtime/log/lmdb-log.ts'
import type { DeliveredRecord, Log } from '../../../runtime/log/log.ts'
import { consume, logSuite, record } from '../../suites/log-suite.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'
import { until } from '../../support/until.ts'

const RETENTION = { ageMs: 60_000, bytesMax: 64 * 1024 * 1024 }

logSuite('the LMDB log', () => {
  const directory = temporaryDirectory()
  return (partitions) => openLmdbLog({ directory, partitions, retention: RETENTION })
})

test('a record carries the injected time, which never falls within a partition', async () => {
  let nowMs = 5_000
  const log = await open({ now: () => nowMs })
  await log.append([record('blue', 0, 'a')])
  nowMs = 3_000
  await log.append([record('blue', 0, 'b')])
  nowMs = 9_000
  await log.append([record('blue', 0, 'c')])
  const inbox = await consume(log, 'readers', ['blue'])
  await until(() => inbox.count === 3, 'all are delivered')
  expect(inbox.of('blue', 0).map(({ appendedAtMs }) => appendedAtMs)).toEqual([5_000, 5_000, 9_000])
})

test('a second consumer of a group on a lane is refused while the first one runs', async () => {
  const log = await open()
  await consume(log, 'readers', ['blue'])
  await expect(consume(log, 'readers', ['blue'])).rejects.toThrow('stop that consumer first')
})

test('consumed records older than the age go, younger and unconsumed ones stay', async () => {
  let nowMs = 0
  const log = await open({ now: () => nowMs, retention: { ...RETENTION, ageMs: 1_000 } })
  for (nowMs = 0; nowMs < 10; nowMs++) await log.append([record('blue', 0, `at ${nowMs}`)])
  const inbox = await consume(log, 'readers', ['blue'])
  await inbox.consumer.commit([{ lane: 'blue', partition: 0, offset: 8 }])
  await log.expire(1_004)
  expect(await begin(log)).toBe(5)
  await log.expire(9_999)
  expect(await begin(log)).toBe(8)
})

test('the slowest known group holds records back, also after a restart; without any group all is kept', async () => {
  const directory = temporaryDirectory()
  const log = await open({ directory })
  await log.append(['a', 'b', 'c', 'd'].map((text) => record('blue', 0, text)))
  await log.expire(Number.MAX_SAFE_INTEGER)
  expect(await begin(log)).toBe(0)
  await consume(log, 'slow', ['blue'])
  const fast = await consume(log, 'fast', ['blue'])
  await fast.consumer.commit([{ lane: 'blue', partition: 0, offset: 4 }])
  await log.close()
  const again = await open({ directory })
  await again.expire(Number.MAX_SAFE_INTEGER)
  expect(await begin(again)).toBe(0)
})

test('when all is consumed and expired, offsets go on where they were, also after a restart', async () => {
  const directory = temporaryDirectory()
  const log = await open({ directory })
  await log.append(['a', 'b', 'c'].map((text) => record('blue', 0, text)))
  const inbox = await consume(log, 'readers', ['blue'])
  await inbox.consumer.commit([{ lane: 'blue', partition: 0, offset: 3 }])
  await log.expire(Number.MAX_SAFE_INTEGER)
  await log.close()
  const again = await open({ directory })
  await again.append([record('blue', 0, 'd')])
  const after = await consume(again, 'readers', ['blue'])
  await until(() => after.count === 1, 'the new record is delivered')
  expect(after.of('blue', 0)[0]!.offset).toBe(3)
})

test('a log full of unconsumed records refuses appends until they are consumed', async () => {
  const log = await open({ retention: { ageMs: 60_000, bytesMax: 20_000 } })
  const kilobyte = 'x'.repeat(1_000)
  const verdicts = []
  for (let i = 0; i < 30; i++) verdicts.push(...(await log.append([record('blue', 0, kilobyte)])))
  expect(verdicts.indexOf('failed')).toBe(18)
  expect(verdicts.slice(18)).not.toContain('acked')
  const inbox = await consume(log, 'readers', ['blue'])
  await inbox.consumer.commit([{ lane: 'blue', partition: 0, offset: 10 }])
  expect(await log.append([record('blue', 0, kilobyte)])).toEqual(['acked'])
})

test('above its size the log gives up its oldest consumed records, and no more than needed', async () => {
  const log = await open({ retention: { ageMs: 60_000, bytesMax: 20_000 } })
  const inbox = await consume(log, 'readers', ['blue'])
  for (let i = 1; i <= 30; i++) {
    await log.append([record('blue', 0, 'x'.repeat(1_000))])
    await inbox.consumer.commit([{ lane: 'blue', partition: 0, offset: i }])
  }
  await log.expire(Date.now())
  expect(await begin(log)).toBe(12)
})

test('another partition count is refused by lane, stored and configured count', async () => {
  const directory = temporaryDirectory()
  await (await open({ directory })).close()
  const changed = open({
    directory,
    partitions: new Map([
      ['blue', 1],
      ['red', 3],
    ]),
  })
  await expect(changed).rejects.toMatchObject({ name: 'LogOpenError', reason: 'partitions', path: directory })
  await expect(changed).rejects.toThrow(/lane red has 2 partitions .* but 3 are configured/)
})

test('a lane may be added, none may be left out', async () => {
  const directory = temporaryDirectory()
  const log = await open({ directory })
  await log.append([record('red', 1, 'a')])
  await log.close()
  const wider = await open({
    directory,
    partitions: new Map([
      ['green', 4],
      ['blue', 1],
      ['red', 2],
    ]),
  })
  await wider.append([record('green', 3, 'b')])
  const inbox = await consume(wider, 'readers', ['red', 'green'])
  await until(() => inbox.count === 2, 'both are delivered')
  expect([...inbox.texts('red', 1), ...inbox.texts('green', 3)]).toEqual(['a', 'b'])
  await wider.close()
  await expect(open({ directory })).rejects.toThrow(/lane green has 4 partitions .* but 0 are configured/)
})

test('a log of another format version is refused', async () => {
  const directory = temporaryDirectory()
  await (await open({ directory })).close()
  const root = openLmdb({ path: directory, noSubdir: false, overlappingSync: false })
  const layout = root.openDB<{ formatVersion: number }, string>('layout', { encoding: 'json' })
  await layout.put('layout', { ...layout.get('layout'), formatVersion: 7 })
  await root.close()
  await expect(open({ directory })).rejects.toMatchObject({ name: 'LogOpenError', reason: 'format' })
})

test('a file that is no log is refused by name and left as it is', async () => {
  const directory = temporaryDirectory()
  const file = join(directory, 'data.mdb')
  writeFileSync(file, 'x'.repeat(10_000))
  await expect(open({ directory })).rejects.toMatchObject({
    name: 'LogOpenError',
    reason: 'corrupt',
    path: file,
  })
  expect(statSync(file).size).toBe(10_000)
})

test.each([0.02, 0.5, 0.95])(
  'a log cut off at %f of its length is refused and left as it is',
  async (share) => {
    const { directory, file } = await filledLog()
    const bytes = Math.floor(usedBytes(file) * share)
    truncateSync(file, bytes)
    await expect(open({ directory })).rejects.toMatchObject({
      name: 'LogOpenError',
      reason: 'corrupt',
      path: file,
    })
    expect(statSync(file).size).toBe(bytes)
  },
)

test.each(['emptied', 'removed'])('a data file that was %s is not begun anew', async (what) => {
  const { directory, file } = await filledLog()
  if (what === 'emptied') truncateSync(file, 0)
  else rmSync(file)
  await expect(open({ directory })).rejects.toMatchObject({ name: 'LogOpenError', reason: 'corrupt' })
  rmSync(directory, { recursive: true })
  expect((await (await open({ directory })).progress('readers', ['blue']))[0]!.end).toBe(0)
})

test('pages are verified at every opening', async () => {
  const { directory, file } = await filledLog()
  const damaged = openSync(file, 'r+')
  writeSync(damaged, Buffer.alloc(8 * 4_096), 0, 8 * 4_096, 20 * 4_096)
  closeSync(damaged)
  await expect(open({ directory })).rejects.toMatchObject({ reason: 'corrupt', path: file })
})

test('a log whose missing pages were never used opens', async () => {
  const { directory, file } = await filledLog()
  claimMorePages(file, 8)
  const log = await open({ directory })
  expect((await log.progress('readers', ['blue']))[0]!.end).toBe(500)
  expect(await log.append([record('blue', 0, 'more')])).toEqual(['acked'])
})

test('a group that joins while records expire starts at what is kept', async () => {
  const log = await open()
  const texts = Array.from({ length: 5_000 }, (_, i) => `${i}`)
  for (let i = 0; i < texts.length; i += 10)
    await log.append(texts.slice(i, i + 10).map((text) => record('blue', 0, text)))
  const first = await consume(log, 'first', ['blue'])
  await first.consumer.commit([{ lane: 'blue', partition: 0, offset: 4_900 }])
  const expired = log.expire(Number.MAX_SAFE_INTEGER)
  await Promise.resolve()
  const second = await consume(log, 'second', ['blue'])
  await expired
  const [progress] = await log.progress('second', ['blue'])
  await until(() => second.of('blue', 0).at(-1)?.offset === 4_999, 'all that is kept is delivered')
  expect(second.of('blue', 0)[0]!.offset).toBe(progress!.begin)
  expect(progress!.begin).toBeGreaterThan(0)
  expect(second.texts('blue', 0)).toEqual(texts.slice(progress!.begin))
})

test('what was acknowledged survives kill -9 of the process, without gaps', async () => {
  const directory = temporaryDirectory()
  let acked = -1
  for (let round = 0; round < 3; round++) {
    const child = runChild(directory, 'until-killed')
    const target = acked + 300
    for await (const line of child.lines) {
      acked = Math.max(acked, Number(line.split(' ')[1]))
      if (acked >= target) break
    }
    child.process.kill('SIGKILL')
    await child.exited
    const log = await open({ directory, partitions: new Map([['red', 3]]) })
    const records = await readAll(log, 'red', 3)
    await log.close()
    for (const partition of records) {
      expect(partition.length).toBeGreaterThan(acked)
      expect(partition.map(({ offset }) => offset)).toEqual(partition.map((_, i) => i))
      expect(partition.slice(0, acked + 1).map(numberOf)).toEqual(
        Array.from({ length: acked + 1 }, (_, i) => i),
      )
    }
  }
})

test('a full disk fails appends, never acknowledged ones, and the log goes on', async () => {
  const directory = temporaryDirectory()
  const child = runChild(directory, 'until-full', { fileKilobytesMax: 16_384 })
  const acked: number[] = []
  let full = ''
  for await (const line of child.lines)
    if (line.startsWith('acked')) acked.push(Number(line.split(' ')[1]))
    else full = line
  expect(await child.exited).toBe(0)
  expect(full).toMatch(
    /^full failed trouble .*data\.mdb can't grow by \d+ bytes \(EFBIG\): \d+ bytes are free/,
  )
  const log = await open({ directory, partitions: new Map([['red', 3]]) })
  for (const partition of await readAll(log, 'red', 3)) {
    const numbers = new Set(partition.map(numberOf))
    expect(acked.filter((number) => !numbers.has(number))).toEqual([])
  }
  expect(await log.append([record('red', 0, 'more')])).toEqual(['acked'])
})

const PARTITIONS = new Map([
  ['blue', 1],
  ['red', 2],
])

async function open(options: Partial<Parameters<typeof openLmdbLog>[0]> = {}): Promise<LmdbLog> {
  const directory = options.directory ?? temporaryDirectory()
  const log = await openLmdbLog({ partitions: PARTITIONS, retention: RETENTION, ...options, directory })
  onTestFinished(() => log.close())
  return log
}

const begin = async (log: Log): Promise<number> => (await log.progress('anybody', ['blue']))[0]!.begin

/** What is behind it is headroom. */
function usedBytes(file: string): number {
  const descriptor = openSync(file, 'r')
  const { lastPage, pageBytes } = readNewestMeta(descriptor)
  closeSync(descriptor)
  return (lastPage + 1) * pageBytes
}

async function filledLog(): Promise<{ directory: string; file: string }> {
  const directory = temporaryDirectory()
  const log = await open({ directory })
  for (let i = 0; i < 10; i++)
    await log.append(Array.from({ length: 50 }, (_, j) => record('blue', 0, `${i}/${j}`.repeat(100))))
  await log.close()
  return { directory, file: join(directory, 'data.mdb') }
}

/** Writes into both meta pages that the file has this many pages more (`mm_last_pg`). */
function claimMorePages(file: string, pages: number): void {
  editMetas(file, 144, (lastPage) => lastPage + BigInt(pages))
}

function editMetas(file: string, position: number, edit: (value: bigint) => bigint): void {
  const bytes = readFileSync(file)
  const descriptor = openSync(file, 'r+')
  for (const meta of [0, bytes.readUInt32LE(48)]) {
    const value = Buffer.alloc(8)
    value.writeBigUInt64LE(edit(bytes.readBigUInt64LE(meta + position)))
    writeSync(descriptor, value, 0, 8, meta + position)
  }
  closeSync(descriptor)
}

function runChild(directory: string, mode: string, limits?: { fileKilobytesMax: number }) {
  const script = [join(import.meta.dirname, 'append-in-child.ts'), directory, mode]
  const shell = ['-c', `ulimit -f ${limits?.fileKilobytesMax}; exec "$0" "$@"`, process.execPath]
  const child = limits
    ? spawn('bash', [...shell, ...script], { stdio: ['ignore', 'pipe', 'ignore'] })
    : spawn(process.execPath, script, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve))
  return { process: child, lines: createInterface({ input: child.stdout! }), exited }
}

const numberOf = ({ value }: DeliveredRecord): number =>
  new DataView(value.buffer, value.byteOffset, value.byteLength).getUint32(0)

async function readAll(log: Log, lane: string, partitions: number): Promise<DeliveredRecord[][]> {
  const ends = await log.progress('audit', [lane])
  const inbox = await consume(log, 'audit', [lane])
  const total = ends.reduce((sum, { end }) => sum + end, 0)
  await until(() => inbox.count === total, 'all is delivered')
  return Array.from({ length: partitions }, (_, i) => inbox.of(lane, i))
}

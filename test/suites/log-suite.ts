import { describe, expect, onTestFinished, test } from 'vitest'
import type { DeliveredRecord, Log, LogConsumer, LogRecord, Position } from '../../runtime/log/log.ts'
import { until } from '../support/until.ts'

/** Opens the log of the running test; opened again after `close`, it is the same log. */
export type OpenLog = (partitions: ReadonlyMap<string, number>) => Promise<Log>

const PARTITIONS = new Map([
  ['red', 2],
  ['blue', 1],
])
const LANES = [...PARTITIONS.keys()]

/** What every adapter of the log port guarantees. `makeOpen` is called once per test and gives it a log of its own. */
export function logSuite(name: string, makeOpen: () => OpenLog): void {
  describe(name, () => {
    test('every appended record is delivered once, in order of its partition, with contiguous offsets', async () => {
      const log = await opened(makeOpen())
      const sent = Array.from({ length: 300 }, (_, i) =>
        record(i % 3 < 2 ? 'red' : 'blue', i % 3 === 1 ? 1 : 0, `${i}`),
      )
      const verdicts = await Promise.all(
        [0, 100, 200].map((from) => log.append(sent.slice(from, from + 100))),
      )
      expect(verdicts.flat()).toEqual(sent.map(() => 'acked'))
      const inbox = await consume(log, 'readers')
      await until(() => inbox.count === 300, 'all records are delivered')
      for (const [lane, partition] of [
        ['red', 0],
        ['red', 1],
        ['blue', 0],
      ] as const) {
        const expected = sent.filter((r) => r.lane === lane && r.partition === partition).map(textOf)
        expect(inbox.texts(lane, partition)).toEqual(expected)
        expect(inbox.of(lane, partition).map(({ offset }) => offset)).toEqual(expected.map((_, i) => i))
      }
    })

    test('a waiting consumer is handed what is appended', async () => {
      const log = await opened(makeOpen())
      const inbox = await consume(log, 'readers')
      for (const text of ['a', 'b', 'c']) {
        await log.append([record('blue', 0, text)])
        await until(() => inbox.texts('blue', 0).at(-1) === text, `${text} is delivered`)
      }
    })

    test('an empty append has no verdicts, an empty value is a value', async () => {
      const log = await opened(makeOpen())
      expect(await log.append([])).toEqual([])
      expect(await log.append([record('blue', 0, '')])).toEqual(['acked'])
      const inbox = await consume(log, 'readers')
      await until(() => inbox.count === 1, 'the empty record is delivered')
      expect(inbox.texts('blue', 0)).toEqual([''])
    })

    test('a record without a place in the log fails, its neighbours do not', async () => {
      const log = await opened(makeOpen())
      const verdicts = await log.append([
        record('blue', 0, 'a'),
        record('green', 0, 'b'),
        record('blue', 1, 'c'),
        record('red', 1, 'd'),
      ])
      expect(verdicts).toEqual(['acked', 'failed', 'failed', 'acked'])
      const inbox = await consume(log, 'readers')
      await until(() => inbox.count === 2, 'both good records are delivered')
      expect([...inbox.texts('blue', 0), ...inbox.texts('red', 1)]).toEqual(['a', 'd'])
    })

    test('the log keeps a copy: the appender may reuse its buffer, and the receiver owns what it gets', async () => {
      const log = await opened(makeOpen())
      const value = new TextEncoder().encode('original')
      const appended = log.append([{ lane: 'blue', partition: 0, value, traceparent: '' }])
      value.fill(0)
      expect(await appended).toEqual(['acked'])
      const first = await consume(log, 'first')
      const second = await consume(log, 'second')
      await until(() => first.count === 1 && second.count === 1, 'both groups have it')
      const [mine] = first.of('blue', 0)
      mine!.value.fill(0)
      expect(second.texts('blue', 0)).toEqual(['original'])
    })

    test('a record carries the time of its append', async () => {
      const log = await opened(makeOpen())
      const before = Date.now()
      await log.append([record('blue', 0, 'a')])
      const after = Date.now()
      const inbox = await consume(log, 'readers')
      await until(() => inbox.count === 1, 'the record is delivered')
      const { appendedAtMs } = inbox.of('blue', 0)[0]!
      expect(appendedAtMs).toBeGreaterThanOrEqual(before)
      expect(appendedAtMs).toBeLessThanOrEqual(after)
    })

    test('a consumer is handed its lanes only', async () => {
      const log = await opened(makeOpen())
      const inbox = await consume(log, 'readers', ['red'])
      await log.append([record('blue', 0, 'a'), record('red', 0, 'b'), record('red', 1, 'c')])
      await until(() => inbox.count === 2, 'the red records are delivered')
      expect(inbox.of('blue', 0)).toEqual([])
    })

    test('a lane that the log does not have is refused by name', async () => {
      const log = await opened(makeOpen())
      await expect(consume(log, 'readers', ['green'])).rejects.toThrow('green')
      await expect(log.progress('readers', ['green'])).rejects.toThrow('green')
    })

    test('after a restart a group goes on at its committed offset, and from the beginning where it has none', async () => {
      const open = makeOpen()
      const log = await opened(open)
      await log.append(['a', 'b', 'c', 'd'].map((text) => record('blue', 0, text)))
      await log.append([record('red', 0, 'e')])
      const before = await consume(log, 'readers')
      await until(() => before.count === 5, 'all records are delivered')
      await before.consumer.commit([{ lane: 'blue', partition: 0, offset: 2 }])
      await log.close()
      const again = await opened(open)
      const after = await consume(again, 'readers')
      await until(() => after.count === 3, 'the rest is delivered')
      expect(after.texts('blue', 0)).toEqual(['c', 'd'])
      expect(after.texts('red', 0)).toEqual(['e'])
      await again.append([record('blue', 0, 'f')])
      await until(() => after.count === 4, 'a new record is delivered')
      expect(after.of('blue', 0).at(-1)!.offset).toBe(4)
    })

    test('groups are independent of each other', async () => {
      const log = await opened(makeOpen())
      await log.append([record('blue', 0, 'a'), record('blue', 0, 'b')])
      const first = await consume(log, 'first')
      await until(() => first.count === 2, 'the first group has all')
      await first.consumer.commit([{ lane: 'blue', partition: 0, offset: 2 }])
      const second = await consume(log, 'second')
      await until(() => second.count === 2, 'the second group has all')
    })

    test('a commit never moves a group backwards', async () => {
      const log = await opened(makeOpen())
      await log.append(['a', 'b', 'c'].map((text) => record('blue', 0, text)))
      const { consumer } = await consume(log, 'readers')
      const at = (offset: number): Position[] => [{ lane: 'blue', partition: 0, offset }]
      await Promise.all([consumer.commit(at(3)), consumer.commit(at(1))])
      await consumer.commit(at(2))
      expect(await committed(log, 'readers')).toBe(3)
    })

    test('an offset beyond the end is not committed', async () => {
      const log = await opened(makeOpen())
      await log.append([record('blue', 0, 'a')])
      const { consumer } = await consume(log, 'readers')
      await expect(consumer.commit([{ lane: 'blue', partition: 0, offset: 2 }])).rejects.toThrow('blue/0')
      expect(await committed(log, 'readers')).toBe(0)
    })

    test('progress tells what is in the log and how far the group is', async () => {
      const log = await opened(makeOpen())
      await log.append(['a', 'b', 'c'].map((text) => record('blue', 0, text)))
      const inbox = await consume(log, 'readers')
      await until(() => inbox.count === 3, 'all records are delivered')
      await inbox.consumer.commit([{ lane: 'blue', partition: 0, offset: 2 }])
      expect(await log.progress('readers', ['blue', 'red'])).toEqual([
        { lane: 'blue', partition: 0, begin: 0, end: 3, committed: 2 },
        { lane: 'red', partition: 0, begin: 0, end: 0, committed: 0 },
        { lane: 'red', partition: 1, begin: 0, end: 0, committed: 0 },
      ])
      expect((await log.progress('others', ['blue']))[0]!.committed).toBe(0)
    })

    test('a paused partition is not handed over while the others are, and nothing is lost or repeated on resume', async () => {
      const log = await opened(makeOpen())
      const inbox = await consume(log, 'readers')
      inbox.consumer.pause('red', 0)
      inbox.consumer.pause('red', 0)
      await log.append([record('red', 0, 'held'), record('red', 1, 'free'), record('blue', 0, 'free')])
      await until(() => inbox.count === 2, 'the others are delivered')
      expect(inbox.of('red', 0)).toEqual([])
      inbox.consumer.resume('red', 0)
      inbox.consumer.resume('red', 0)
      await until(() => inbox.count === 3, 'the held record is delivered')
      await log.append([record('red', 0, 'next')])
      await until(() => inbox.count === 4, 'the next record is delivered')
      expect(inbox.texts('red', 0)).toEqual(['held', 'next'])
    })

    test('a partition paused within its own hand-over gets no further batch', async () => {
      const log = await opened(makeOpen())
      const inbox = await consume(log, 'readers', LANES, (batch) =>
        inbox.consumer.pause(batch.lane, batch.partition),
      )
      await log.append([record('red', 0, 'a')])
      await until(() => inbox.count === 1, 'the first batch is delivered')
      await log.append([record('red', 0, 'b'), record('blue', 0, 'c')])
      await until(() => inbox.of('blue', 0).length === 1, 'the other partition is delivered')
      expect(inbox.texts('red', 0)).toEqual(['a'])
    })

    test('a long backlog in one partition does not hold up the others', async () => {
      const log = await opened(makeOpen())
      await log.append(Array.from({ length: 5_000 }, (_, i) => record('red', 0, `${i}`)))
      await log.append([record('red', 1, 'quiet'), record('blue', 0, 'quiet')])
      let backlogAtQuiet = 0
      const inbox = await consume(log, 'readers', LANES, (batch) => {
        if (batch.lane === 'blue') backlogAtQuiet = inbox.of('red', 0).length
      })
      await until(() => inbox.count === 5_002, 'all is delivered')
      expect(backlogAtQuiet).toBeLessThan(5_000)
    })

    test('a consumer whose onBatch throws is stopped, and its owner is told once', async () => {
      const log = await opened(makeOpen())
      const failures: Error[] = []
      let calls = 0
      await log.consume({
        group: 'readers',
        lanes: LANES,
        onBatch: () => {
          calls++
          throw new Error('no room')
        },
        onFailure: (error) => failures.push(error),
      })
      const witness = await consume(log, 'witness')
      await log.append([record('red', 0, 'a'), record('blue', 0, 'b')])
      await until(() => failures.length > 0 && witness.count === 2, 'the owner is told')
      await log.append([record('red', 1, 'c')])
      await until(() => witness.count === 3, 'a later record is delivered to others')
      expect([calls, failures.map(({ message }) => message)]).toEqual([1, ['no room']])
    })

    test('a stopped consumer is handed nothing any more; the next one of its group takes over', async () => {
      const log = await opened(makeOpen())
      const stopped = await consume(log, 'readers')
      await stopped.consumer.stop()
      await stopped.consumer.stop()
      await log.append([record('blue', 0, 'a')])
      const next = await consume(log, 'readers')
      await until(() => next.count === 1, 'the next consumer has it')
      expect(stopped.count).toBe(0)
    })

    test('expiry never passes what a group has not committed', async () => {
      const log = await opened(makeOpen())
      await log.append(['a', 'b', 'c', 'd'].map((text) => record('blue', 0, text)))
      const inbox = await consume(log, 'readers')
      await until(() => inbox.count === 4, 'all records are delivered')
      await inbox.consumer.commit([{ lane: 'blue', partition: 0, offset: 2 }])
      await log.expire(Date.now() + 365 * 24 * 3_600_000)
      await inbox.consumer.stop()
      const after = await consume(log, 'readers')
      await until(() => after.count === 2, 'what was not committed is still there')
      expect(after.texts('blue', 0)).toEqual(['c', 'd'])
    })

    test('close waits for appends under way, is idempotent, and later appends fail', async () => {
      const open = makeOpen()
      const log = await opened(open)
      const appended = log.append([record('blue', 0, 'a')])
      await Promise.all([log.close(), log.close()])
      expect(await appended).toEqual(['acked'])
      expect(await log.append([record('blue', 0, 'b')])).toEqual(['failed'])
      const inbox = await consume(await opened(open), 'readers')
      await until(() => inbox.count === 1, 'the first record is there')
      expect(inbox.texts('blue', 0)).toEqual(['a'])
    })
  })
}

export const record = (lane: string, partition: number, text: string): LogRecord => ({
  lane,
  partition,
  value: new TextEncoder().encode(text),
  traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
})

const textOf = ({ value }: { value: Uint8Array }): string => new TextDecoder().decode(value)

async function opened(open: OpenLog): Promise<Log> {
  const log = await open(PARTITIONS)
  onTestFinished(() => log.close())
  return log
}

async function committed(log: Log, group: string): Promise<number> {
  return (await log.progress(group, ['blue']))[0]!.committed
}

/** Consumes and keeps everything; `onBatch` runs after a batch is kept. A failure fails the test. */
export async function consume(
  log: Log,
  group: string,
  lanes: readonly string[] = LANES,
  onBatch: (batch: { lane: string; partition: number }) => void = () => {},
) {
  const kept = new Map<string, DeliveredRecord[]>()
  const inbox = {
    consumer: undefined as unknown as LogConsumer,
    count: 0,
    of: (lane: string, partition: number) => kept.get(`${lane}/${partition}`) ?? [],
    texts: (lane: string, partition: number) => inbox.of(lane, partition).map(textOf),
  }
  inbox.consumer = await log.consume({
    group,
    lanes,
    onBatch: (batch) => {
      const key = `${batch.lane}/${batch.partition}`
      kept.set(key, [...(kept.get(key) ?? []), ...batch.records])
      inbox.count += batch.records.length
      onBatch(batch)
    },
    onFailure: (error) => {
      throw error
    },
  })
  return inbox
}

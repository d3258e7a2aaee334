import { expect, test } from 'vitest'
import { type FullDisk, judgeFullDisks, saysFull } from '../../../bench/chaos/full-disk-judge.ts'

const SAID = "/d/log/data.mdb can't grow by 5 bytes (ENOSPC): 0 bytes are free on its file system … free disk"
const refusal = {
  verdict: 'refused',
  round: 1,
  status: 503,
  code: 'log-unavailable',
  retryAfterS: 1,
} as const
const sound: FullDisk = {
  round: 1,
  leftBytes: 0,
  acceptedBefore: 500,
  refusals: [refusal],
  unanswered: 0,
  readyWhenFull: false,
  lines: 300,
  isSaid: true,
  recoveredMs: 300,
}

const offences = (seen: Partial<FullDisk>): string[] =>
  judgeFullDisks([sound, { ...sound, round: 2, ...seen }]).flatMap((judgement) => judgement.offences)

test('a node that refuses in order, says so and comes back alone has kept its word', () => {
  expect(offences({})).toEqual([])
})

test.each<[string, Partial<FullDisk>, RegExp]>([
  ['another status', { refusals: [refusal, { ...refusal, status: 500 }] }, /1 were refused otherwise/],
  ['no Retry-After', { refusals: [{ ...refusal, retryAfterS: undefined }] }, /Retry-After undefined/],
  ['cut connections', { unanswered: 3 }, /3 requests got no answer/],
  ['ready though it refuses', { readyWhenFull: true }, /called itself ready/],
  ['not coming back', { recoveredMs: undefined }, /though the disk is free again/],
])('it is found: %s', (_, seen, offence) => {
  expect(offences(seen)).toEqual([expect.stringMatching(offence)])
})

test('silence and chatter are found, in each round', () => {
  expect(offences({ isSaid: false })).toEqual([
    'round 2: the log of the node does not say that its disk is full',
  ])
  expect(offences({ lines: 301 })).toEqual(['round 2: the log of the node has 301 lines'])
})

test('to say so is to name the file, the error, what is free and what to do', () => {
  expect(saysFull(SAID)).toBe(true)
  for (const part of ['data.mdb', 'ENOSPC', '0 bytes are free', 'free disk'])
    expect(saysFull(SAID.replaceAll(part, ''))).toBe(false)
})

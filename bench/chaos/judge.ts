import { claimKeyOf, previousWindowId } from '../../runtime/job/id.ts'
import { isSettled, type JobState } from '../../runtime/job/state.ts'
import type { Facts, RowFact } from './facts.ts'
import { type Fate, type Judged, judgeFate, offenceOf } from './fate.ts'
import { acceptedIds, type LedgerEntry } from './ledger.ts'

/**
 * Holds what the client was told against what is on the disk, promise by promise (README, "What is promised"). Pure.
 *
 * `crashed`: the disk as a kill left it; jobs may be under way, so S3 cannot be judged. `drained`: the node has worked off
 * everything; `answers` is what it said of each accepted id before it stopped (`GET /v1/jobs/{id}`), undefined for 404.
 */
export type Occasion = { when: 'crashed' } | { when: 'drained'; answers: ReadonlyMap<string, Fate> }

export interface Judgement {
  /** `S1` to `S5`, or what else was judged. */
  promise: string
  /** What was counted. */
  summary: string
  /** One sentence for each offence; none when the promise holds. */
  offences: readonly string[]
}

export function judge(ledger: readonly LedgerEntry[], facts: Facts, occasion: Occasion): Judgement[] {
  const case_ = new Case(ledger, facts)
  return [
    durable(case_),
    onceAtMost(case_),
    ...(occasion.when === 'drained' ? [conserved(case_, occasion.answers)] : []),
    offsetsBehindTheTable(case_),
    inOrder(case_),
  ]
}

/** The evidence, with the indexes that several promises need. */
class Case {
  readonly ledger: readonly LedgerEntry[]
  readonly facts: Facts
  readonly rows: ReadonlyMap<string, RowFact>
  readonly recordIds: ReadonlySet<string>

  constructor(ledger: readonly LedgerEntry[], facts: Facts) {
    this.ledger = ledger
    this.facts = facts
    this.rows = new Map(facts.rows.map((row) => [row.id, row]))
    this.recordIds = new Set(facts.records.map(({ id }) => id))
  }

  /** The row that stands for an id: a copy from across a window's edge is absorbed by the row of the window before. */
  rowOf(id: string): RowFact | undefined {
    return (
      this.rows.get(id) ??
      this.rows.get(previousWindowId(id, true)) ??
      this.rows.get(previousWindowId(id, false))
    )
  }

  /** The row of a job by whatever id of its. */
  rowOfJob({ job }: LedgerEntry): RowFact | undefined {
    return this.#rowsByClaimKey.get(job.claimKey)
  }

  get #rowsByClaimKey(): Map<string, RowFact> {
    this.#byClaimKey ??= new Map(this.facts.rows.map((row) => [claimKeyOf(row.id), row]))
    return this.#byClaimKey
  }

  #byClaimKey: Map<string, RowFact> | undefined
}

/** S1: every accepted id is in the log or in the table. */
function durable(given: Case): Judgement {
  const offences: string[] = []
  let accepted = 0
  let found = 0
  for (const entry of given.ledger)
    for (const id of acceptedIds(entry)) {
      accepted++
      if (given.recordIds.has(id) || given.rowOf(id)) found++
      else
        offences.push(`${nameOf(entry)} was accepted as ${id}, which is neither in the log nor in the table`)
    }
  return {
    promise: 'S1',
    summary: `${count(accepted)} accepted, ${count(found)} in the log or the table`,
    offences,
  }
}

/** S2: a job has one id and one row; its effect is there once, by the very transaction that settled the row. */
function onceAtMost(given: Case): Judgement {
  const offences: string[] = []
  const { rows, effects } = given.facts
  for (const [id, copies] of Map.groupBy(rows, (row) => row.id))
    if (copies.length > 1) offences.push(`job ${id} has ${copies.length} rows`)

  const effectsOf = Map.groupBy(effects, ({ jobId }) => jobId)
  for (const [id, of] of effectsOf) {
    const row = given.rows.get(id)
    if (of.length > 1) offences.push(`job ${id} has ${of.length} effects, in ${tablesOf(of)}`)
    if (!row || !HAS_EFFECT.has(row.state))
      offences.push(`job ${id} has an effect in ${tablesOf(of)}, but is ${row?.state ?? 'not in the table'}`)
    else if (of.some(({ transaction }) => transaction !== row.transaction))
      offences.push(`the effect of job ${id} in ${tablesOf(of)} is of another transaction than its row`)
  }
  for (const { id, state } of rows)
    if (HAS_EFFECT.has(state) && !effectsOf.has(id))
      offences.push(`job ${id} is ${state}, but without its effect`)

  let sentAgain = 0
  for (const entry of given.ledger) {
    if (entry.verdicts.length > 1) sentAgain++
    if (!isOneJob(entry))
      offences.push(`${nameOf(entry)} was accepted as ${acceptedIds(entry).join(' and ')}`)
  }
  const summary = `${count(effectsOf.size)} jobs with an effect, ${count(effects.length)} effects; ${count(sentAgain)} jobs were sent more than once`
  return { promise: 'S2', summary, offences }
}

/** Every handler of the workload writes one row. */
const HAS_EFFECT: ReadonlySet<JobState> = new Set(['done', 'thin'])

/** One id, or, for a job known by its body, one per window of a quarter of an hour. */
function isOneJob(entry: LedgerEntry): boolean {
  const ids = acceptedIds(entry)
  if (ids.some((id) => claimKeyOf(id) !== entry.job.claimKey)) return false
  return (
    ids.length <= 1 || ids.every((id, i) => i === 0 || previousWindowId(id, isKeyed(entry)) === ids[i - 1])
  )
}

const isKeyed = ({ job }: LedgerEntry): boolean => job.idempotencyKey !== undefined

/**
 * S3: accepted = stored + dead, where dead is what had to be, and nothing is in flight any more; the node says of every id
 * what its row says.
 */
function conserved(given: Case, answers: ReadonlyMap<string, Fate>): Judgement {
  const offences: string[] = []
  const jobs: Record<Judged, number> = {
    done: 0,
    thin: 0,
    doomed: 0,
    upstream: 0,
    'in flight': 0,
    'wrongly dead': 0,
    'wrongly done': 0,
  }
  let accepted = 0
  for (const entry of given.ledger)
    for (const id of acceptedIds(entry)) {
      accepted++
      const row = given.rowOf(id)
      const state = row?.state
      const fate = { state, errorCode: row?.errorCode }
      jobs[judgeFate(entry.job, fate)]++
      const offence = offenceOf(entry.job, fate, 'not in the table')
      if (offence) offences.push(`${nameOf(entry)}, accepted as ${id}, ${offence}`)
      const answer = answers.get(id)?.state
      if (state !== undefined && answer !== state)
        offences.push(`job ${id} is ${state}, but its look-up said ${answer ?? 'that there is none'}`)
    }
  for (const { id, lane, partition, offset } of given.facts.records)
    if (!given.rowOf(id))
      offences.push(`job ${id} is in the log (${lane}/${partition} at ${offset}), but not in the table`)
  const known = new Set(given.ledger.map(({ job }) => job.claimKey))
  for (const { id } of given.facts.rows)
    if (!known.has(claimKeyOf(id))) offences.push(`job ${id} is in the table, but nobody sent it`)
  const done = jobs.done + jobs['wrongly done']
  const dead = jobs.doomed + jobs.upstream + jobs['wrongly dead']
  return {
    promise: 'S3',
    summary: `${count(accepted)} accepted = ${count(done)} done + ${count(jobs.thin)} thin + ${count(dead)} dead (${count(jobs.doomed)} sent to fail, ${count(jobs.upstream)} of an upstream error) + ${count(jobs['in flight'])} in flight`,
    offences,
  }
}

/** S4: what lies below a committed offset has its row. */
function offsetsBehindTheTable(given: Case): Judgement {
  const offences: string[] = []
  const committed = new Map(
    given.facts.offsets.map(({ lane, partition, committed }) => [`${lane}/${partition}`, committed]),
  )
  let below = 0
  for (const { lane, partition, offset, id } of given.facts.records) {
    const place = `${lane}/${partition}`
    if (offset >= (committed.get(place) ?? 0)) continue
    below++
    if (!given.rowOf(id))
      offences.push(
        `${place} is committed up to ${committed.get(place)}, but job ${id} at ${offset} is not in the table`,
      )
  }
  const summary = `${committed.size} committed offsets, all of the ${count(below)} records below them in the table`
  return { promise: 'S4', summary, offences }
}

/** S5: of one ordering key each job is settled by a later transaction than the one accepted before it. */
function inOrder(given: Case): Judgement {
  const offences: string[] = []
  let jobs = 0
  const ordered = given.ledger.filter(({ job }) => job.ordering)
  const keys = Map.groupBy(ordered, ({ job }) => `${job.tenant}/${job.ordering?.key}`)
  for (const [key, entries] of keys) {
    let before: { entry: LedgerEntry; row: RowFact | undefined } | undefined
    for (const entry of entries.toSorted((a, b) => sequenceOf(a) - sequenceOf(b))) {
      const row = given.rowOfJob(entry)
      // Of a job that was never accepted nobody knows whether it is there at all.
      if (!row && acceptedIds(entry).length === 0) continue
      jobs++
      const isDone = row !== undefined && isSettled(row.state)
      if (before && isDone) {
        const wasDone = before.row !== undefined && isSettled(before.row.state)
        const name = `job ${sequenceOf(entry)} of key ${key}`
        if (!wasDone)
          offences.push(
            `${name} is ${row.state}, but job ${sequenceOf(before.entry)} before it is ${before.row?.state ?? 'not stored'}`,
          )
        else if ((before.row?.transaction ?? 0) >= row.transaction)
          offences.push(
            `${name} was committed by transaction ${row.transaction}, job ${sequenceOf(before.entry)} before it by ${before.row?.transaction}`,
          )
      }
      before = { entry, row }
    }
  }
  return {
    promise: 'S5',
    summary: `${count(jobs)} jobs of ${keys.size} ordering keys, each committed after the one before`,
    offences,
  }
}

const sequenceOf = ({ job }: LedgerEntry): number => job.ordering?.sequence ?? 0
const nameOf = ({ job }: LedgerEntry): string => `job ${job.n} (${job.kind} of ${job.tenant})`
const tablesOf = (effects: readonly { table: string }[]): string =>
  [...new Set(effects.map(({ table }) => table))].join(', ')

/** 10240 as 10,240. */
const count = (value: number): string => value.toLocaleString('en-US')

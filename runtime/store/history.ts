import { BOUNDS } from '../config/bounds.ts'

/**
 * SQL of a row's history: on every update the state it leaves is appended, and the latest `HISTORY_MAX` are kept.
 * Both fragments speak of the row as `j`.
 */
const HISTORY_MAX = BOUNDS.store.historyEntriesMax

/** The state that the row is in. */
const PRESENT_STATE = `jsonb_strip_nulls(jsonb_build_object(
    'state', j.state, 'attempt', j.attempt, 'atMs', j.updated_at_ms, 'error', j.error))`

const keeping = (entries: string): string =>
  `jsonb_path_query_array(j.history || ${entries}, '$[last - ${HISTORY_MAX - 1} to last]')`

export const WITH_PRESENT_STATE = keeping(`jsonb_build_array(${PRESENT_STATE})`)

/** A run whose lease is over goes back through `retry`, at `nowMs`. */
export const withRetryAt = (nowMs: string): string =>
  keeping(`jsonb_build_array(${PRESENT_STATE}, jsonb_build_object(
    'state', 'retry', 'attempt', j.attempt, 'atMs', ${nowMs},
    'error', jsonb_build_object('code', 'lease-over', 'message', 'the node that ran it did not finish in time')))`)

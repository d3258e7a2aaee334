import { PROBLEMS, type ProblemCode } from '../job/problem.ts'

/** Plain counters of one HTTP server since its start, read by whoever collects metrics. */
export interface HttpStats {
  /** By route, for example `POST /v1/jobs`; `other` is what no route answers. */
  requests: Record<string, number>
  /** Answers by HTTP status. */
  answers: Record<number, number>
  /** Problems answered, by code; zero where there were none. */
  problems: Record<ProblemCode, number>
  /** Requests whose client was gone before its answer. */
  aborted: number
  /** Bytes of request bodies. */
  bytesIn: number
}

export function emptyHttpStats(routes: readonly string[]): HttpStats {
  return {
    requests: Object.fromEntries([...routes, 'other'].map((route) => [route, 0])),
    answers: {},
    problems: zeroPerProblem(),
    aborted: 0,
    bytesIn: 0,
  }
}

export const zeroPerProblem = (): Record<ProblemCode, number> =>
  Object.fromEntries(Object.keys(PROBLEMS).map((code) => [code, 0])) as Record<ProblemCode, number>

import type { ChaosJob } from './workload.ts'

/** What a job came to: a state that it stays in, and with `dead` what it died of (`error.code`). */
export interface Fate {
  state: string | undefined
  errorCode: string | undefined
}

/** Of the simulated upstreams, which fail on purpose: after its last attempt a job may die of that, and of nothing else. */
const CALLS_UPSTREAM: ReadonlySet<string> = new Set(['crm.sync', 'agent.run'])
const UPSTREAM_ERROR = 'upstream-error'

/** `doomed` and `upstream` are deaths as they should be. */
export type Judged = 'done' | 'thin' | 'doomed' | 'upstream' | 'in flight' | 'wrongly dead' | 'wrongly done'

/** A job is done, unless it was sent to fail: then it is dead, and nothing else. Pure. */
export function judgeFate({ isDoomed, kind }: Pick<ChaosJob, 'isDoomed' | 'kind'>, fate: Fate): Judged {
  const { state, errorCode } = fate
  if (state === 'done' || state === 'thin') return isDoomed ? 'wrongly done' : state
  if (state !== 'dead') return 'in flight'
  if (isDoomed) return 'doomed'
  return CALLS_UPSTREAM.has(kind) && errorCode === UPSTREAM_ERROR ? 'upstream' : 'wrongly dead'
}

/** Why a fate is an offence; undefined for one as it should be. */
export function offenceOf(
  job: Pick<ChaosJob, 'isDoomed' | 'kind'>,
  fate: Fate,
  absent: string,
): string | undefined {
  switch (judgeFate(job, fate)) {
    case 'in flight':
      return `is ${fate.state ?? absent}`
    case 'wrongly dead':
      return `is dead of ${fate.errorCode ?? 'nothing that its row names'}, and should not be`
    case 'wrongly done':
      return `is ${fate.state}, though it fails whenever it is tried`
    default:
      return undefined
  }
}

/**
 * What a supervisor refuses, in OTP's words. `supervisor` and `child` say where; the message also says what to do.
 */
const TEXTS = {
  already_started: 'is already started: terminate it first, or give the new child an id of its own',
  already_present: 'is present and does not run: restart it, or delete it first',
  running: 'is running: terminate it first',
  restarting: 'is being restarted: wait until it is up, or terminate it first',
  not_found: 'is not found: the supervisor has no child of that id',
  max_children: 'cannot be added: the supervisor has as many children as its maxChildren allows',
  noproc: 'cannot be reached: its supervisor has ended or is about to',
  start_failed: 'did not start',
  invalid: 'has a wrong specification',
} as const

export type SupervisorErrorCode = keyof typeof TEXTS

export class SupervisorError extends Error {
  override readonly name = 'SupervisorError'
  readonly code: SupervisorErrorCode
  readonly supervisor: string
  readonly child: string | undefined

  constructor(
    code: SupervisorErrorCode,
    supervisor: string,
    child: string | undefined,
    details: { detail?: string; cause?: unknown } = {},
  ) {
    const { detail, cause } = details
    const where = child === undefined ? `supervisor ${supervisor}` : `${supervisor}/${child}`
    super(`${where} ${TEXTS[code]}${detail === undefined ? '' : `: ${detail}`}`, { cause })
    this.code = code
    this.supervisor = supervisor
    this.child = child
  }
}

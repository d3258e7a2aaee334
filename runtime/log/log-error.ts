/** Why a log did not open; each reason has its own remedy, named in the message. */
export type LogOpenReason =
  /** The files are damaged or incomplete. */
  | 'corrupt'
  /** Written by a release that this one can't read. */
  | 'format'
  /** Opened with lanes or partition counts other than the stored ones. */
  | 'partitions'

export class LogOpenError extends Error {
  override readonly name = 'LogOpenError'
  readonly reason: LogOpenReason
  /** The file or directory that needs attention. */
  readonly path: string

  constructor(reason: LogOpenReason, path: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.reason = reason
    this.path = path
  }
}

/** The log was closed, or its storage refuses every further write: close it, if need be, and open it again. */
export class LogClosedError extends Error {
  override readonly name = 'LogClosedError'
}

/** A record that must be there can't be read: the storage is damaged underneath a running log. */
export class LogReadError extends Error {
  override readonly name = 'LogReadError'
}

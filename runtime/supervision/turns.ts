/**
 * Steps that run one after the other, as the messages of an OTP supervisor do: none sees what another has left half done.
 * A step that fails fails its caller; the next one runs all the same.
 */
export class Turns {
  #last: Promise<unknown>

  /** No step runs before `after`. */
  constructor(after: Promise<void>) {
    this.#last = after
  }

  take<Result>(step: () => Promise<Result>): Promise<Result> {
    const done = this.#last.then(step)
    this.#last = done.catch(() => {})
    return done
  }
}

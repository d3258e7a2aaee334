/**
 * Why a question has no answer. `full`, `dead`: the one asked is · `timeout`: none came in time · `cycle`: the one asked
 * waits for the asker.
 */
export class AskError extends Error {
  override readonly name = 'AskError'
  readonly code: 'full' | 'dead' | 'timeout' | 'cycle'

  constructor(code: AskError['code'], message: string) {
    super(message)
    this.code = code
  }
}

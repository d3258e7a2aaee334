import { type AcceptedClaim, Generation, type StoredClaim } from './generation.ts'

/**
 * The accepted claims of a lifetime, in two generations: new ones go into the current one; when it is a lifetime old, or
 * full, it becomes the previous one, and what was the previous one goes as a whole. Nothing is removed one by one.
 *
 * A claim lasts its lifetime, and less only when more than `claimsMax` are accepted meanwhile; `hasForgotten` tells.
 */
export class AcceptedClaims {
  readonly #lifetimeMs: number
  readonly #generationMax: number
  #current = new Generation()
  #previous = new Generation()
  #beganAtMs = Number.NEGATIVE_INFINITY
  /** All claims accepted before may be gone before their time. */
  #forgottenUntilMs = Number.NEGATIVE_INFINITY

  constructor(lifetimeMs: number, claimsMax: number) {
    this.#lifetimeMs = lifetimeMs
    this.#generationMax = Math.ceil(claimsMax / 2)
  }

  add(claimKey: string, claim: AcceptedClaim, acceptedAtMs: number, nowMs: number): void {
    if (nowMs - this.#beganAtMs >= this.#lifetimeMs || this.#isGenerationFull) {
      if (this.#previous.claims > 0) this.#forgottenUntilMs = this.#beganAtMs
      this.#previous = this.#current
      this.#current = new Generation()
      this.#beganAtMs = nowMs
    }
    this.#current.put(claimKey, claim, acceptedAtMs + this.#lifetimeMs)
  }

  /** The next claim takes the place of older ones. */
  get isFull(): boolean {
    return this.#isGenerationFull && this.#previous.claims > 0
  }

  get #isGenerationFull(): boolean {
    return this.#current.claims >= this.#generationMax
  }

  /** Not all that was accepted within the last lifetime is here. */
  hasForgotten(nowMs: number): boolean {
    return nowMs - this.#forgottenUntilMs < this.#lifetimeMs
  }

  /** Claims accepted before `nowMs` are missing here. */
  forgetUntil(nowMs: number): void {
    this.#forgottenUntilMs = nowMs
  }

  get(claimKey: string, nowMs: number): StoredClaim | undefined {
    return this.#current.get(claimKey, nowMs) ?? this.#previous.get(claimKey, nowMs)
  }
}

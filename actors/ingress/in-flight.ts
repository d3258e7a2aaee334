/**
 * How much the ingress holds at this moment: requests not answered yet, and the bytes of their bodies. Both are
 * bounded, and a body is reserved before it is read, so that slow or many large bodies cannot exhaust memory.
 */
export class InFlight {
  readonly requestsMax: number
  readonly bodyBytesMax: number
  #requests = 0
  #bodyBytes = 0
  #idle: (() => void)[] = []

  constructor(requestsMax: number, bodyBytesMax: number) {
    this.requestsMax = requestsMax
    this.bodyBytesMax = bodyBytesMax
  }

  get requests(): number {
    return this.#requests
  }

  get bodyBytes(): number {
    return this.#bodyBytes
  }

  hasRoom(bodyBytes: number): boolean {
    return this.#requests < this.requestsMax && this.#bodyBytes + bodyBytes <= this.bodyBytesMax
  }

  enter(bodyBytes: number): void {
    this.#requests++
    this.#bodyBytes += bodyBytes
  }

  /** A body turned out to be of another size than was reserved. */
  resize(reservedBytes: number, bodyBytes: number): void {
    this.#bodyBytes += bodyBytes - reservedBytes
  }

  leave(bodyBytes: number): void {
    this.#requests--
    this.#bodyBytes -= bodyBytes
    if (this.#requests > 0) return
    for (const wake of this.#idle) wake()
    this.#idle = []
  }

  /** Resolves once there is nothing in flight. */
  async idle(): Promise<void> {
    if (this.#requests > 0) await new Promise<void>((wake) => this.#idle.push(wake))
  }
}

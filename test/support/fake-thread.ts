import { unpackJobs } from '../../actors/pool/job-batch.ts'
import type { JobsMessage } from '../../actors/pool/thread-protocol.ts'
import type { Signal } from '../../runtime/actor/actor.ts'
import type { ExitReason } from '../../runtime/actor/exit-reason.ts'
import { decodeEnvelope } from '../../runtime/job/envelope.ts'
import type { ThreadRef } from '../../runtime/threads/thread-child.ts'

interface Sent {
  firstTicket: number
  /** Ids of the jobs. */
  ids: string[]
}

/** A pool's thread that the test plays: what it has been sent, and when it dies and comes up again. */
export class FakeThread {
  readonly path: string
  readonly sent: Sent[] = []
  #incarnation = 0
  #current: FakeIncarnation | undefined

  constructor(path: string) {
    this.path = path
    this.comeUp()
  }

  /** As the pool knows it. */
  get ref(): ThreadRef {
    return this as unknown as ThreadRef
  }

  get current(): FakeIncarnation | undefined {
    return this.#current
  }

  comeUp(): void {
    this.#current = new FakeIncarnation(this.path, ++this.#incarnation, this.sent)
  }

  die(reason: ExitReason): void {
    const dead = this.#current
    this.#current = undefined
    dead?.die(reason)
  }
}

class FakeIncarnation {
  readonly path: string
  readonly incarnation: number
  readonly #sent: Sent[]
  #down: ((signal: Signal) => void) | undefined

  constructor(path: string, incarnation: number, sent: Sent[]) {
    this.path = path
    this.incarnation = incarnation
    this.#sent = sent
  }

  tell({ firstTicket, jobs }: JobsMessage): 'accepted' {
    this.#sent.push({ firstTicket, ids: unpackJobs(jobs).map((bytes) => decodeEnvelope(bytes).id) })
    return 'accepted'
  }

  watch(down: (signal: Signal) => void): () => void {
    this.#down = down
    return () => {
      this.#down = undefined
    }
  }

  die(reason: ExitReason): void {
    this.#down?.({ signal: 'DOWN', path: this.path, incarnation: this.incarnation, reason })
  }
}

import type { Envelope } from './envelope.ts'
import type { Origin } from './outcome.ts'

/** A job inside the node, from its delivery to its commit. */
export interface Job {
  envelope: Envelope
  origin: Origin
  /** The encoded envelope, as the thread gets it. */
  encoded: Uint8Array
  /** In quarantine: runs alone. */
  solo?: boolean
}

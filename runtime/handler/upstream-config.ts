/** One upstream as configured. Plain data: it is sent to the threads. */
export interface UpstreamConfig {
  /** Without a trailing slash. */
  baseUrl: string
  /** The longest one call may take, its response included. */
  timeoutMs: number
  /** Sent as `authorization: Bearer <apiKey>`. */
  apiKey?: string
  /** Handed to handlers as they are, for example `{ model: 'large', fallbackModel: 'small' }`. */
  settings: Readonly<Record<string, string>>
}

/** By the name that handlers call them: `chat`, `crm`. */
export type UpstreamsConfig = Readonly<Record<string, UpstreamConfig>>

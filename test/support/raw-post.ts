import { RawClient, type Reply } from './http-client.ts'
import { until } from './until.ts'

/** `POST /v1/jobs` as no proper client sends it: these headers, then the body piece by piece, over its own connection. */
export class RawPost {
  readonly #client: RawClient

  constructor(port: number, headers: Readonly<Record<string, string>>) {
    this.#client = new RawClient(port)
    const lines = Object.entries({ host: 'localhost', ...headers }).map(
      ([name, value]) => `${name}: ${value}`,
    )
    this.#client.send(`POST /v1/jobs HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
  }

  send(bytes: string | Uint8Array): this {
    this.#client.send(bytes)
    return this
  }

  /** The first answer, once it is complete, whatever of the body was sent by then. */
  async reply(): Promise<Reply> {
    const answered = () => parseReply(this.#client.received)
    const reply = await until(answered, `an answer in ${JSON.stringify(this.#client.received)}`)
    this.#client.destroy()
    return reply
  }
}

/** One chunk of a body with `Transfer-Encoding: chunked`. */
export const chunkOf = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`

function parseReply(received: string): Reply | undefined {
  const [head = '', text] = received.split('\r\n\r\n', 2)
  const [statusLine = '', ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => {
      const [name = '', ...value] = line.split(': ')
      return [name.toLowerCase(), value.join(': ')]
    }),
  )
  if (text === undefined || text.length < Number(headers['content-length'])) return undefined
  return {
    status: Number(statusLine.split(' ')[1]),
    headers,
    text,
    get json() {
      return JSON.parse(text)
    },
  }
}

import { connect, type Socket } from 'node:net'

/**
 * A keep-alive HTTP/1.1 connection that sends ready-made requests, one at a time, and reads answers with a Content-Length.
 * It does as little as it can: the generator must not be what is measured.
 */
export interface Answer {
  status: number
  /** The whole answer as received, head included; valid until the next one. */
  text: string
}

const HEAD_END = '\r\n\r\n'
const CONTENT_LENGTH = /\r\ncontent-length: (\d+)/i

export class Connection {
  readonly #socket: Socket
  readonly #onAnswer: (answer: Answer) => void
  #received = ''
  isOpen = true

  private constructor(socket: Socket, onAnswer: (answer: Answer) => void, onClose: () => void) {
    this.#socket = socket
    this.#onAnswer = onAnswer
    socket.setNoDelay(true)
    socket.setEncoding('latin1')
    socket.on('data', (chunk) => this.#read(String(chunk)))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.isOpen = false
      onClose()
    })
  }

  static open(port: number, onAnswer: (answer: Answer) => void, onClose: () => void): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('error', reject)
      socket.once('connect', () => resolve(new Connection(socket, onAnswer, onClose)))
    })
  }

  send(request: string): void {
    this.#socket.write(request, 'latin1')
  }

  end(): void {
    this.#socket.destroy()
  }

  /** A part of an answer has come. */
  get isMidAnswer(): boolean {
    return this.#received !== ''
  }

  #read(chunk: string): void {
    const received = this.#received === '' ? chunk : this.#received + chunk
    const headEnd = received.indexOf(HEAD_END)
    const length = headEnd < 0 ? undefined : CONTENT_LENGTH.exec(received)?.[1]
    const end = headEnd + HEAD_END.length + Number(length ?? 0)
    if (headEnd < 0 || received.length < end) {
      this.#received = received
      return
    }
    this.#received = received.slice(end)
    this.#onAnswer({ status: Number(received.slice(9, 12)), text: received })
  }
}

/** A POST as it goes over the wire; `body` is ASCII. */
export const postRequest = (path: string, key: string, body: string, idempotencyKey?: string): string => {
  const identity = idempotencyKey === undefined ? '' : `idempotency-key: ${idempotencyKey}\r\n`
  return `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${key}\r\ncontent-type: application/json\r\n${identity}content-length: ${body.length}\r\n\r\n${body}`
}

/** A GET, likewise. */
export const getRequest = (path: string, key: string): string =>
  `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${key}\r\n\r\n`

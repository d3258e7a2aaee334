import { STATUS_CODES } from 'node:http'

/** What is used of a uWebSockets.js request: valid until the handler returns. */
export interface RequestWire {
  getHeader(name: string): string
  getParameter(index: number): string | undefined
  getCaseSensitiveMethod(): string
  getUrl(): string
}

/** What is used of a uWebSockets.js response: valid until answered or aborted; touching it later throws. */
export interface ResponseWire {
  onData(handler: (chunk: ArrayBuffer, isLast: boolean) => void): unknown
  onAborted(handler: () => void): unknown
  cork(write: () => void): unknown
  writeStatus(status: string): unknown
  writeHeader(name: string, value: string): unknown
  end(body: string, closeConnection: boolean): unknown
  endWithoutBody(): unknown
}

export type HeaderList = readonly (readonly [name: string, value: string])[]

export interface Answer {
  status: number
  traceId: string
  headers: HeaderList
  body: string
  /** The answer to HEAD: the headers of the body, without the body. */
  bodiless: boolean
  closeConnection: boolean
}

/** Writes the whole answer with one system call. */
export function send(response: ResponseWire, answer: Answer): void {
  corked = { response, answer }
  response.cork(writeCorked)
}

// cork() calls back before it returns: a variable does, instead of a closure for each answer.
let corked: { response: ResponseWire; answer: Answer }

function writeCorked(): void {
  const { response, answer } = corked
  response.writeStatus(statusLine(answer.status))
  response.writeHeader('x-trace-id', answer.traceId)
  for (const [name, value] of answer.headers) response.writeHeader(name, value)
  if (!answer.bodiless) response.end(answer.body, answer.closeConnection)
  else {
    // Without arguments: given a length, endWithoutBody leaves the response open and uWebSockets.js then ends the process.
    response.writeHeader('content-length', String(Buffer.byteLength(answer.body)))
    if (answer.closeConnection) response.writeHeader('connection', 'close')
    response.endWithoutBody()
  }
}

const statusLines: string[] = []

function statusLine(status: number): string {
  statusLines[status] ??= `${status} ${STATUS_CODES[status]}`
  return statusLines[status]
}

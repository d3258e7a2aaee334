import { UpstreamError } from './context.ts'
import { BODY_BYTES_MAX, cappedChunks, checkStatus, type NamedUpstream } from './upstream-body.ts'

/**
 * The data of each server-sent event of an upstream's 2xx answer (WHATWG HTML, section 9.2.6: lines end with LF, CR or
 * CRLF, comments and other fields are skipped, an event that the end cuts off is dropped), `bytesMax` bytes in all.
 * Throws UpstreamError for any other status, another content type, and a longer body. Breaking off closes the response.
 */
export async function* readEvents(
  upstream: NamedUpstream,
  response: Response,
  { bytesMax = BODY_BYTES_MAX }: { bytesMax?: number } = {},
): AsyncGenerator<string> {
  await checkStatus(upstream, response)
  const type = response.headers.get('content-type') ?? 'nothing'
  if (!/^text\/event-stream\b/i.test(type)) {
    await response.body?.cancel()
    throw new UpstreamError(upstream.name, `answered with ${type} where text/event-stream was expected`)
  }
  const decoder = new TextDecoder()
  const parser = new EventParser()
  for await (const chunk of cappedChunks(upstream, response, bytesMax))
    yield* parser.feed(decoder.decode(chunk, { stream: true }))
}

/** Looks at each character once, however small the pieces: an upstream chooses their size. */
class EventParser {
  #line: string[] = []
  #data: string[] = []
  #afterCr = false

  /** The events completed by `text`. */
  feed(text: string): string[] {
    const events: string[] = []
    let start = 0
    for (const { 0: end, index } of text.matchAll(/\r\n|\n|\r/g)) {
      // The second half of a CRLF that was cut between two pieces.
      const halfOfCrlf = this.#afterCr && index === 0 && end === '\n'
      if (!halfOfCrlf) {
        this.#line.push(text.slice(start, index))
        const event = this.#endLine()
        if (event !== undefined) events.push(event)
      }
      start = index + end.length
    }
    if (start < text.length) this.#line.push(text.slice(start))
    if (text !== '') this.#afterCr = text.endsWith('\r')
    return events
  }

  #endLine(): string | undefined {
    const line = this.#line.join('')
    this.#line = []
    if (line === '') {
      const data = this.#data
      this.#data = []
      return data.length > 0 ? data.join('\n') : undefined
    }
    const colon = line.indexOf(':')
    if ((colon < 0 ? line : line.slice(0, colon)) === 'data')
      this.#data.push(colon < 0 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1)))
    return undefined
  }
}

/**
 * The lines of a text in NDJSON, without their ends (`\n` or `\r\n`), of which the last may be missing; undefined when
 * there are more than `linesMax`.
 */
export function splitLines(body: Buffer, linesMax: number): Buffer[] | undefined {
  const lines: Buffer[] = []
  for (let start = 0; start < body.length; ) {
    if (lines.length === linesMax) return undefined
    const newline = body.indexOf(NEWLINE, start)
    const next = newline < 0 ? body.length : newline + 1
    let end = newline < 0 ? body.length : newline
    if (end > start && body[end - 1] === CARRIAGE_RETURN) end--
    lines.push(body.subarray(start, end))
    start = next
  }
  return lines
}

const NEWLINE = 0x0a
const CARRIAGE_RETURN = 0x0d

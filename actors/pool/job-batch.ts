/**
 * A batch of encoded envelopes on its way to a thread, in one buffer that changes hands: a count, the lengths, then the
 * bytes. One copy and no clone, whatever the number of jobs.
 */
export function packJobs(encoded: readonly Uint8Array[]): ArrayBuffer {
  const headerBytes = 4 + 4 * encoded.length
  const buffer = new ArrayBuffer(encoded.reduce((bytes, { byteLength }) => bytes + byteLength, headerBytes))
  const header = new Uint32Array(buffer, 0, 1 + encoded.length)
  const bytes = new Uint8Array(buffer)
  header[0] = encoded.length
  let at = headerBytes
  encoded.forEach((one, i) => {
    header[1 + i] = one.byteLength
    bytes.set(one, at)
    at += one.byteLength
  })
  return buffer
}

/** Views on the buffer, one per job. */
export function unpackJobs(buffer: ArrayBuffer): Uint8Array[] {
  const count = new Uint32Array(buffer, 0, 1)[0] ?? 0
  const lengths = new Uint32Array(buffer, 4, count)
  let at = 4 + 4 * count
  return Array.from(lengths, (length) => {
    const one = new Uint8Array(buffer, at, length)
    at += length
    return one
  })
}

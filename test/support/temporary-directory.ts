import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, onTestFinished } from 'vitest'

const make = (): string => mkdtempSync(join(tmpdir(), 'spillway-test-'))
const remove = (path: string): void => rmSync(path, { recursive: true, force: true })

/** A fresh directory, removed when the running test is over. */
export function temporaryDirectory(): string {
  const path = make()
  onTestFinished(() => remove(path))
  return path
}

/** A fresh directory, removed when the file's tests are over. Call it first: hooks run in reverse, and this is the last. */
export function suiteDirectory(): string {
  const path = make()
  afterAll(() => remove(path))
  return path
}

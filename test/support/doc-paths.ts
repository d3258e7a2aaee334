import { posix } from 'node:path'

/**
 * Paths of the project that a document at its root names and that do not exist: the targets of relative links, and what
 * stands in backticks, has a slash, and either begins with one of `rooms` or ends like a source file.
 */
export function missingPaths(
  text: string,
  rooms: readonly string[],
  exists: (path: string) => boolean,
): string[] {
  const links = [...text.matchAll(/\]\((?!\w+:|#)([^)#\s]+)[^)]*\)/g)].map(([, path]) => path ?? '')
  const named = [...text.matchAll(/`([\w.-]+\/[\w./-]*)`/g)].map(([, path]) => path ?? '')
  const ours = named.filter((path) => rooms.includes(path.slice(0, path.indexOf('/'))) || SOURCE.test(path))
  return [...new Set([...links, ...ours])].filter((path) => !exists(posix.normalize(path)))
}

const SOURCE = /\.(ts|mjs|js|json|md|sql|sh|ya?ml)$/

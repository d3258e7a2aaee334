/**
 * Who may import whom. Imports go one way: from what is wired together down to what knows nothing of it.
 */

/** Top-level folder → the folders that it may import besides itself. */
export const FOLDERS: Readonly<Record<string, readonly string[]>> = {
  runtime: [],
  actors: ['runtime'],
  supervisors: ['runtime', 'actors'],
  deploy: ['runtime', 'actors', 'supervisors'],
  bench: ['runtime', 'actors', 'supervisors', 'deploy', 'test'],
  test: ['runtime', 'actors', 'supervisors', 'deploy', 'bench'],
}

/** What runs in production. It may not even live on the imports of tests and benchmarks alone. */
export const PRODUCT = ['runtime', 'actors', 'supervisors']

/** Room of `runtime/` → the rooms that it may import besides itself; each stands below those that it may import. */
export const ROOMS: Readonly<Record<string, readonly string[]>> = {
  job: [],
  config: ['job'],
  observe: [],
  overload: [],
  http: ['job', 'config'],
  handler: ['job', 'config'],
  actor: ['observe', 'config'],
  supervision: ['overload', 'actor', 'config'],
  threads: ['observe', 'actor', 'supervision', 'config'],
  lmdb: [],
  log: ['job', 'config', 'lmdb'],
  claims: ['job', 'config', 'lmdb'],
  store: ['job', 'handler', 'threads', 'config'],
}

/** The rule that an import from one file to another breaks, if any. Paths are relative to the project. */
export function brokenRule(from: string, to: string): string | undefined {
  const [folder = '', section = ''] = from.split('/')
  const [toFolder = '', toSection = ''] = to.split('/')
  if (folder !== toFolder)
    return FOLDERS[folder]?.includes(toFolder) ? undefined : `${folder}/ may not import ${toFolder}/`
  if (section === toSection) return undefined
  if (folder === 'actors') return `stages do not import each other: ${section} may not import ${toSection}`
  if (folder !== 'runtime') return undefined
  const rooms = ROOMS[section]
  if (rooms === undefined) return `runtime/${section} is not in ROOMS`
  return rooms.includes(toSection) ? undefined : `runtime/${section} may not import runtime/${toSection}`
}

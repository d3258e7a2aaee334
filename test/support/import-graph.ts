import { dirname } from 'node:path'
import { join, normalize } from 'node:path/posix'
import { type References, referencesOf } from './imports-of.ts'

/** Path relative to the project → text: the source files, and package.json. */
export type Tree = ReadonlyMap<string, string>

/** `.mjs`: what has to run before it is known that Node can read TypeScript. */
export const isSource = (path: string): boolean => /\.(ts|mjs)$/.test(path)

export interface ImportGraph {
  files: ReadonlySet<string>
  /** An edge may lead to a file that does not exist, save those of kind `strings`. */
  edges: readonly Edge[]
}

/** One file's use of another. */
interface Edge {
  from: string
  to: string
  kind: keyof References
  /** As it stands in `from`. */
  written: string
}

/**
 * The uses of one source file by another; packages and other kinds of files are left out. Throws SyntaxError naming
 * the file that cannot be read.
 */
export function importGraph(tree: Tree): ImportGraph {
  const files = new Set([...tree.keys()].filter(isSource))
  const own = ownNames(tree.get('package.json') ?? '{}')
  const edges = [...files].flatMap((from): Edge[] => {
    const { imports, urls, strings } = parse(from, tree.get(from)!)
    const besides = (written: string) => join(dirname(from), written)
    const edge = (kind: Edge['kind'], written: string, to: string): Edge => ({ from, to, kind, written })
    return [
      ...imports.map((name) =>
        edge('imports', name, own.get(name) ?? (name.startsWith('.') ? besides(name) : name)),
      ),
      ...urls.map((name) => edge('urls', name, besides(name))),
      ...strings.flatMap((name) => [edge('strings', name, besides(name)), edge('strings', name, name)]),
    ]
  })
  return {
    files,
    edges: edges.filter(({ kind, to }) => isSource(to) && (kind !== 'strings' || files.has(to))),
  }
}

function parse(file: string, source: string): References {
  try {
    return referencesOf(source)
  } catch (cause) {
    throw new SyntaxError(`${file}: ${(cause as Error).message}`, { cause })
  }
}

/** The names by which the package imports itself: `spillway` → `runtime/handler/index.ts`. */
function ownNames(packageJson: string): ReadonlyMap<string, string> {
  const { name = '', exports = {} } = JSON.parse(packageJson) as PackageFile
  return new Map(Object.entries(exports).map(([key, path]) => [join(name, key), normalize(path)]))
}

interface PackageFile {
  name?: string
  exports?: Readonly<Record<string, string>>
}

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ImportGraph, importGraph, isSource, type Tree } from './import-graph.ts'
import { brokenRule, FOLDERS, PRODUCT } from './import-rules.ts'

/**
 * What is wrong with the imports of a tree, one line each: an import of a file that does not exist, one against the
 * rules of `import-rules.ts`, imports in a circle, and a file that nobody loads.
 *
 * Runs as `node test/support/check-imports.ts`, on the project.
 */
export function checkImports(tree: Tree): string[] {
  const graph = importGraph(tree)
  return [...missing(graph), ...forbidden(graph), ...circles(graph), ...unused(graph, tree)]
}

/** The project's source files, those in its root included, and its package.json. */
export function readTree(root: string): Tree {
  const below = (folder: string): string[] =>
    existsSync(join(root, folder))
      ? readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      : []
  const inFolders = Object.keys(FOLDERS).flatMap((folder) => below(folder).map((path) => join(folder, path)))
  const paths = [...readdirSync(root), ...inFolders].filter(
    (path) => isSource(path) && !path.includes('node_modules'),
  )
  return new Map([...paths, 'package.json'].map((path) => [path, readFileSync(join(root, path), 'utf8')]))
}

const missing = ({ files, edges }: ImportGraph): string[] =>
  edges
    .filter(({ to }) => !files.has(to))
    .map(({ from, written, to }) => `${from} imports ${written}: there is no ${to}`)

/** A module that is loaded by its URL counts as imported; a string that may be a path does not. */
const forbidden = ({ files, edges }: ImportGraph): string[] =>
  edges
    .filter(({ from, to, kind }) => kind !== 'strings' && isInFolder(from) && files.has(to))
    .flatMap(({ from, written, to }) => {
      const rule = brokenRule(from, to)
      return rule === undefined ? [] : [`${from} imports ${written}: ${rule}`]
    })

const isInFolder = (path: string): boolean => path.includes('/')

/** Depth-first; an edge back into the path that led there closes a circle. Each file is gone through once. */
function circles({ files, edges }: ImportGraph): string[] {
  const importsOf = Map.groupBy(
    edges.filter(({ kind }) => kind === 'imports'),
    ({ from }) => from,
  )
  const found: string[] = []
  const done = new Set<string>()
  const visit = (file: string, path: readonly string[]): void => {
    const start = path.indexOf(file)
    if (start >= 0) found.push(`imports in a circle: ${[...path.slice(start), file].join(' → ')}`)
    if (start >= 0 || done.has(file)) return
    for (const { to } of importsOf.get(file) ?? []) visit(to, [...path, file])
    done.add(file)
  }
  for (const file of files) visit(file, [])
  return found
}

/** Product code that only tests and benchmarks load counts as unused: it is not part of the product. */
function unused({ files, edges }: ImportGraph, tree: Tree): string[] {
  const loaders = Map.groupBy(
    edges.filter(({ from, to }) => from !== to),
    ({ to }) => to,
  )
  const isProduct = (path: string) => PRODUCT.some((folder) => path.startsWith(`${folder}/`))
  return [...files]
    .filter((file) => isInFolder(file) && !isEntry(file, tree))
    .filter((file) => !loaders.get(file)?.some(({ from }) => !isProduct(file) || isProduct(from)))
    .map((file) => `${file} is not loaded by any ${isProduct(file) ? 'product code' : 'file'}`)
}

/**
 * What starts by itself: tests, what package.json names, handlers (found in their folder), and outside of the product
 * what says how it is run, as this file does.
 */
function isEntry(file: string, tree: Tree): boolean {
  const text = tree.get(file)!
  return (
    file.endsWith('.test.ts') ||
    tree.get('package.json')?.includes(file) === true ||
    /^export default defineHandler\(/m.test(text) ||
    (/^(bench|deploy|test)\//.test(file) && text.includes(`node ${file}`))
  )
}

if (process.argv[1] === import.meta.filename) {
  const problems = checkImports(readTree(join(import.meta.dirname, '../..')))
  for (const problem of problems) console.error(problem)
  if (problems.length > 0) process.exitCode = 1
}

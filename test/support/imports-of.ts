import { parseAst } from 'vitest/node'

/** What a TypeScript source refers to, as written. */
export interface References {
  /** Import and export statements (those of types too), `import(…)`, `import('…').Type`. */
  imports: string[]
  /** `new URL('./x.ts', import.meta.url)`, `import.meta.resolve('./x.ts')`: a module that is loaded by its path. */
  urls: string[]
  /** Any other string that ends in `.ts`: it may be a path. */
  strings: string[]
}

/** Throws for a source that is no TypeScript. */
export function referencesOf(source: string): References {
  const references: References = { imports: [], urls: [], strings: [] }
  visit(parseAst(source, { lang: 'ts' }), references)
  return references
}

function visit(node: unknown, into: References): void {
  if (Array.isArray(node)) for (const element of node) visit(element, into)
  if (!isNode(node)) return
  const specifier = IMPORTING.has(node.type) ? textOf(node.source) : undefined
  const url = givesUrl(node.callee) ? textOf(firstOf(node.arguments)) : undefined
  const text = textOf(node)
  if (specifier !== undefined) into.imports.push(specifier)
  if (url?.startsWith('.')) into.urls.push(url)
  if (text?.endsWith('.ts')) into.strings.push(text)
  for (const child of Object.values(node)) visit(child, into)
}

const IMPORTING = new Set([
  'ImportDeclaration',
  'ExportNamedDeclaration',
  'ExportAllDeclaration',
  'ImportExpression',
  'TSImportType',
])

interface Node {
  readonly type: string
  readonly [field: string]: unknown
}

const isNode = (value: unknown): value is Node =>
  typeof value === 'object' && value !== null && typeof (value as { type?: unknown }).type === 'string'

/** `URL`, `import.meta.resolve` */
const givesUrl = (callee: unknown): boolean =>
  isNode(callee) &&
  (callee.name === 'URL' || (isNode(callee.object) && callee.object.type === 'MetaProperty'))

const firstOf = (list: unknown): unknown => (Array.isArray(list) ? list[0] : undefined)

/** The text of a string, also of a template without expressions. */
function textOf(node: unknown): string | undefined {
  if (!isNode(node)) return undefined
  if (node.type === 'Literal' && typeof node.value === 'string') return node.value
  if (node.type !== 'TemplateLiteral') return undefined
  const quasis = node.quasis as { value: { cooked: string } }[]
  return quasis.length === 1 ? quasis[0]!.value.cooked : undefined
}

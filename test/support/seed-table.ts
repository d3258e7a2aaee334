/**
 * The table of ARCHITECTURE.md that maps the seed, line by line, to files and tests: what is wrong with it, a line each.
 *
 * Every line of the seed that says something has its row, in order, quoted exactly. A row's state is
 *
 *     done                                              it names a file and a test, and all that it names exist
 *     not yet (issue 4: …; issue 8: …): what is missing its tests exist; its files may be to come
 *     label                                             the line only heads others
 *
 * An issue has the same title in all rows.
 */
export function seedTableProblems(
  seed: string,
  document: string,
  isFile: (path: string) => boolean,
): string[] {
  const lines = sayingLines(seed)
  const labels = new Set(labelLines(seed))
  const rows = rowsOf(document)
  const quoted = rows.map(({ quote }) => quote)
  return [
    ...lines.filter((line) => !quoted.includes(line)).map((line) => `no row for: ${line}`),
    ...quoted.filter((quote) => !lines.includes(quote)).map((quote) => `not a line of the seed: ${quote}`),
    ...(quoted.join('\n') === lines.join('\n') ? [] : ['the rows are not in the order of the seed']),
    ...rows.flatMap((row) => rowProblems(row, labels, isFile)),
    ...titleProblems(rows),
  ]
}

interface Row {
  quote: string
  where: string[]
  tests: string[]
  state: string
}

/** All but blank lines, headings, rules, and the rulers of tables. */
const sayingLines = (seed: string): string[] =>
  seed
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(#|---|\|-)/.test(line))

/** What asks for nothing: the front matter (all before the first rule), `**Words:**` alone, and the heads of tables. */
const labelLines = (seed: string): string[] => [
  ...sayingLines(seed.split('\n---\n')[0] ?? ''),
  ...[...seed.matchAll(/^\*\*[^*]+:\*\*$/gm)].map(([line]) => line),
  ...[...seed.matchAll(/^(\|.*)\n\|-/gm)].map(([, head]) => head ?? ''),
]

function rowsOf(document: string): Row[] {
  const table = /<!-- seed:begin -->\n(.*)<!-- seed:end -->/s.exec(document)?.[1] ?? ''
  return table
    .split('\n')
    .slice(2)
    .filter((line) => line !== '')
    .map((line) => {
      const cells = line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll('\\|', '|'))
      const [, quote = '', where = '', tests = '', state = ''] = cells
      return { quote, where: pathsIn(where), tests: pathsIn(tests), state }
    })
}

const pathsIn = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, path]) => path ?? '')

const NOT_YET = /^not yet \((issue [1-9]: [^;:()]+(; )?)+\): \S/
const TEST = /^test\/.+\.test\.ts$/

function rowProblems(
  { quote, where, tests, state }: Row,
  labels: ReadonlySet<string>,
  isFile: (path: string) => boolean,
): string[] {
  if (state === 'label') return labels.has(quote) ? [] : [`more than a label: ${quote}`]
  const isDone = state === 'done'
  if (!isDone && !NOT_YET.test(state)) return [`state "${state}" of: ${quote}`]
  if (isDone && (where.length === 0 || tests.length === 0))
    return [`done without a file and a test: ${quote}`]
  const missing = [...(isDone ? where : []), ...tests].filter((path) => !isFile(path))
  return [
    ...missing.map((path) => `there is no ${path}, named by: ${quote}`),
    ...tests.filter((path) => !TEST.test(path)).map((path) => `${path} is no test, named by: ${quote}`),
  ]
}

function titleProblems(rows: readonly Row[]): string[] {
  const titles = rows.flatMap(({ state }) => [...state.matchAll(/issue (\d): ([^;:()]+)/g)])
  const known = new Map<string, string>()
  for (const [, number = '', title = ''] of titles) if (!known.has(number)) known.set(number, title)
  return titles
    .filter(([, number = '', title]) => known.get(number) !== title)
    .map(([, number = '', title]) => `issue ${number} is "${known.get(number)}" and "${title}"`)
}

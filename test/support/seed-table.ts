/**
 * The table of ARCHITECTURE.md that maps the seed, line by line, to files and tests: what is wrong with it, a line each.
 *
 * Every line of the seed that says something has its row, in order, quoted exactly. A row's state is `done` (then it names
 * files and tests, all of which exist), `not yet: <what is missing>`, or `label` for a line that only heads others.
 */
export function seedTableProblems(
  seed: string,
  document: string,
  exists: (path: string) => boolean,
): string[] {
  const lines = sayingLines(seed)
  const rows = rowsOf(document)
  const quoted = rows.map(({ quote }) => quote)
  return [
    ...lines.filter((line) => !quoted.includes(line)).map((line) => `no row for: ${line}`),
    ...quoted.filter((quote) => !lines.includes(quote)).map((quote) => `not a line of the seed: ${quote}`),
    ...(quoted.join('\n') === lines.join('\n') ? [] : ['the rows are not in the order of the seed']),
    ...rows.flatMap((row) => rowProblems(row, exists)),
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

function rowProblems({ quote, where, tests, state }: Row, exists: (path: string) => boolean): string[] {
  if (state === 'label') return []
  const missing = tests.filter((path) => !exists(path))
  if (state === 'done') {
    missing.push(...where.filter((path) => !exists(path)))
    if (where.length === 0 || tests.length === 0) return [`done without a file and a test: ${quote}`]
  } else if (!/^not yet: \w/.test(state)) return [`state "${state}" of: ${quote}`]
  return missing.map((path) => `there is no ${path}, named by: ${quote}`)
}

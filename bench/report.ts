import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { join } from 'node:path'

/** What a bench measured, as it is printed and kept: figures in rows, ratios between them, and where and when it was. */
export interface BenchResult {
  name: string
  seed: number
  rows: Row[]
  /** Further tables, by their titles. */
  tables?: Readonly<Record<string, readonly Row[]>>
  /** Named ratios between rows: these decide, absolutes follow the machine. */
  ratios: Record<string, number>
  /** What makes a figure doubtful. */
  warnings: string[]
}

export type Row = Readonly<Record<string, string | number>>

const RESULTS = join(import.meta.dirname, 'results')

/** Prints the table and writes `bench/results/<name>.json`. */
export function report(result: BenchResult): void {
  print(result.rows)
  for (const [title, rows] of Object.entries(result.tables ?? {})) {
    console.log(title)
    print(rows)
  }
  for (const [name, ratio] of Object.entries(result.ratios)) console.log(`${name}: ${ratio.toFixed(2)}`)
  for (const warning of result.warnings) console.warn(`warning: ${warning}`)
  mkdirSync(RESULTS, { recursive: true })
  const path = join(RESULTS, `${result.name}.json`)
  writeFileSync(path, `${JSON.stringify({ ...result, ...circumstances() }, undefined, 2)}\n`)
  console.log(`seed ${result.seed}, written to ${path}`)
}

const print = (rows: readonly Row[]): void =>
  console.table(rows.map((row) => Object.fromEntries(Object.entries(row).map(([k, v]) => [k, rounded(v)]))))

const rounded = (value: string | number): string | number =>
  typeof value === 'number' ? Number(value.toPrecision(4)) : value

function circumstances() {
  const { version, dependencies } = JSON.parse(
    readFileSync(join(import.meta.dirname, '../package.json'), 'utf8'),
  )
  const cores = cpus()
  return {
    date: new Date().toISOString(),
    machine: { cpu: cores[0]?.model, cores: cores.length, memoryGib: Math.round(totalmem() / 2 ** 30) },
    versions: { spillway: version, node: process.versions.node, ...dependencies },
  }
}

import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { checkImports, readTree } from './check-imports.ts'
import { ROOMS } from './import-rules.ts'

/** A tree whose files are all loaded, but for those given. */
function problemsOf(files: Record<string, string>): string[] {
  const packageJson = '{"name": "spillway", "exports": {".": "./runtime/handler/index.ts"}}'
  return checkImports(new Map(Object.entries({ 'package.json': packageJson, ...files })))
}

/** The rules that a single import breaks. */
function rulesOf(from: string, to: string, statement = `import { x } from '${up(from)}${to}'`): string[] {
  return problemsOf({ [from]: statement, [to]: '' }).filter((problem) => !problem.includes('is not loaded'))
}

const up = (from: string) => '../'.repeat(from.split('/').length - 1)

it('the project keeps its rules', () => {
  expect(checkImports(readTree(join(import.meta.dirname, '../..')))).toEqual([])
})

describe('folders', () => {
  it.each([
    ['runtime/log/a.ts', 'actors/x/b.ts'],
    ['runtime/log/a.ts', 'supervisors/b.ts'],
    ['runtime/log/a.ts', 'deploy/b.ts'],
    ['runtime/log/a.ts', 'bench/b.ts'],
    ['runtime/log/a.ts', 'test/b.ts'],
    ['actors/x/a.ts', 'supervisors/b.ts'],
    ['actors/x/a.ts', 'bench/b.ts'],
    ['actors/x/a.ts', 'test/b.ts'],
    ['supervisors/a.ts', 'bench/b.ts'],
    ['supervisors/a.ts', 'test/b.ts'],
    ['deploy/a.ts', 'test/b.ts'],
  ])('%s may not import %s', (from, to) => {
    const [folder, toFolder] = [from, to].map((path) => path.split('/')[0])
    expect(rulesOf(from, to)).toEqual([
      `${from} imports ${up(from)}${to}: ${folder}/ may not import ${toFolder}/`,
    ])
  })

  it.each([
    ['actors/x/a.ts', 'runtime/log/b.ts'],
    ['supervisors/a.ts', 'actors/x/b.ts'],
    ['bench/load/a.ts', 'supervisors/b.ts'],
    ['test/a.ts', 'bench/b.ts'],
  ])('%s may import %s', (from, to) => {
    expect(rulesOf(from, to)).toEqual([])
  })
})

describe('stages and rooms', () => {
  it('a stage of actors imports itself and no other, handlers included', () => {
    expect(rulesOf('actors/pool/a.ts', 'actors/pool/inner/b.ts')).toEqual([])
    expect(rulesOf('actors/pool/a.ts', 'actors/writer/b.ts')).toEqual([
      'actors/pool/a.ts imports ../../actors/writer/b.ts: stages do not import each other: pool may not import writer',
    ])
    expect(rulesOf('actors/pool/a.ts', 'actors/handlers/b.ts')).toHaveLength(1)
  })

  it('a room of the runtime imports only what its row in the table names', () => {
    expect(rulesOf('runtime/store/a.ts', 'runtime/job/b.ts')).toEqual([])
    expect(rulesOf('runtime/job/a.ts', 'runtime/store/b.ts')).toEqual([
      'runtime/job/a.ts imports ../../runtime/store/b.ts: runtime/job may not import runtime/store',
    ])
  })

  it('a room that the table does not know is a problem', () => {
    expect(rulesOf('runtime/attic/a.ts', 'runtime/job/b.ts')).toHaveLength(1)
  })

  it('rooms have one order: a room imports only rooms above its own row', () => {
    const order = Object.keys(ROOMS)
    for (const [room, allowed] of Object.entries(ROOMS))
      for (const other of allowed)
        expect(order.indexOf(other), `${room} imports ${other}`).toBeLessThan(order.indexOf(room))
  })

  it('the package by its own name is the handler room', () => {
    const files = { 'actors/handlers/a.ts': "import 'spillway'", 'runtime/handler/index.ts': '' }
    expect(problemsOf(files)).toEqual(['actors/handlers/a.ts is not loaded by any product code'])
    expect(rulesOf('runtime/job/a.ts', 'runtime/handler/index.ts', "export { x } from 'spillway'")).toEqual([
      'runtime/job/a.ts imports spillway: runtime/job may not import runtime/handler',
    ])
  })
})

describe('every form of import counts', () => {
  it.each([
    "import x from '../../test/b.ts'",
    "import '../../test/b.ts'",
    "import type { X } from '../../test/b.ts'",
    "import { type X } from '../../test/b.ts'",
    "import * as x from '../../test/b.ts'",
    "import {\n  // why 'so'\n  x,\n} from '../../test/b.ts'",
    "export * from '../../test/b.ts'",
    "export type { X } from '../../test/b.ts'",
    "const x = await import('../../test/b.ts')",
    'const x = () => import(`../../test/b.ts`)',
    "type X = import('../../test/b.ts').X",
    "const x = new URL('../../test/b.ts', import.meta.url)",
    "const x = import.meta.resolve('../../test/b.ts')",
    "const regex = /['\"`]/\nimport x from '../../test/b.ts'",
  ])('%s', (statement) => {
    expect(rulesOf('runtime/log/a.ts', 'test/b.ts', statement)).toHaveLength(1)
  })

  it.each([
    "// import x from '../../test/b.ts'",
    "/* import x from '../../test/b.ts' */",
    'const text = "import x from \'../../test/b.ts\'"',
    "const path = '../../test/b.ts'",
  ])('not %s', (statement) => {
    expect(rulesOf('runtime/log/a.ts', 'test/b.ts', statement)).toEqual([])
  })

  it('a file that cannot be parsed is named', () => {
    expect(() => problemsOf({ 'test/a.ts': 'let =' })).toThrow(/^test\/a\.ts: /)
  })

  it('one of a file that does not exist is a problem', () => {
    expect(problemsOf({ 'test/a.test.ts': "import './b.ts'\nimport 'node:fs'\nimport './c.json'" })).toEqual([
      'test/a.test.ts imports ./b.ts: there is no test/b.ts',
    ])
  })
})

describe('circles', () => {
  it('files that import each other in a circle are named in its order, types included', () => {
    expect(
      problemsOf({
        'test/z.test.ts': "import './a.ts'",
        'test/a.ts': "import './b.ts'",
        'test/b.ts': "import type { C } from './c.ts'",
        'test/c.ts': "import './a.ts'",
      }),
    ).toEqual(['imports in a circle: test/a.ts → test/b.ts → test/c.ts → test/a.ts'])
  })

  it('two ways to one file are none, nor is a module that is loaded by its URL', () => {
    expect(
      problemsOf({
        'test/z.test.ts': "import './a.ts'\nimport './b.ts'",
        'test/a.ts': "import './b.ts'",
        'test/b.ts': "new URL('./a.ts', import.meta.url)",
      }),
    ).toEqual([])
  })
})

describe('files that nobody loads', () => {
  it('one without any importer is a problem, and so is one that only imports itself', () => {
    expect(problemsOf({ 'runtime/log/a.ts': '', 'test/b.ts': "import './b.ts'" })).toEqual([
      'imports in a circle: test/b.ts → test/b.ts',
      'runtime/log/a.ts is not loaded by any product code',
      'test/b.ts is not loaded by any file',
    ])
  })

  it('product code that only tests load is a problem', () => {
    const files = { 'runtime/log/a.ts': '', 'test/b.test.ts': "import '../runtime/log/a.ts'" }
    expect(problemsOf(files)).toEqual(['runtime/log/a.ts is not loaded by any product code'])
  })

  it.each([
    ['a test', { 'test/a.test.ts': '' }],
    [
      'what package.json names',
      { 'package.json': '{"scripts": {"x": "node bench/a.ts"}}', 'bench/a.ts': '' },
    ],
    ['a handler', { 'actors/handlers/a.ts': 'export default defineHandler({})' }],
    ['a benchmark that says how it is run', { 'bench/load/a.ts': '/** Runs as `node bench/load/a.ts`. */' }],
    ['a file of the root', { 'vitest.config.ts': '' }],
    [
      'what a file of the root names',
      { 'vitest.config.ts': "const x = 'test/set-up.ts'", 'test/set-up.ts': '' },
    ],
  ])('%s is none', (_what, files) => {
    expect(problemsOf(files)).toEqual([])
  })

  it.each(["new URL('./b.ts', import.meta.url)", "join(here, 'b.ts')", "thread('actors/pool/b.ts')"])(
    'a module that is loaded by its path is none: %s',
    (expression) => {
      const files = {
        'package.json': '{"bin": {"x": "actors/pool/a.ts"}}',
        'actors/pool/a.ts': expression,
        'actors/pool/b.ts': '',
      }
      expect(problemsOf(files)).toEqual([])
    },
  )
})

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, it } from 'vitest'
import { loadHandlers } from '../../../runtime/handler/load-handlers.ts'
import { temporaryDirectory } from '../../support/temporary-directory.ts'

const INDEX = pathToFileURL(join(import.meta.dirname, '../../../runtime/handler/index.ts')).href

const handlerSource = (kind: string) => `
import { defineHandler, Type } from '${INDEX}'
export default defineHandler({ kind: '${kind}', pool: 'a', timeoutMs: 10, payload: Type.Object({}), handle: () => ({}) })
`

function folderOf(files: Record<string, string>): string {
  const directory = temporaryDirectory()
  for (const [name, source] of Object.entries(files)) writeFileSync(join(directory, name), source)
  return directory
}

const errorsOf = (broken: readonly { file: string; error: Error }[]) =>
  Object.fromEntries(broken.map(({ file, error }) => [file, error.message]))

it('the handlers of this project load', async () => {
  const { handlers, broken } = await loadHandlers(join(import.meta.dirname, '../../../actors/handlers'))
  expect(broken).toEqual([])
  expect([...handlers.keys()].sort()).toEqual(['agent.run', 'crm.sync', 'lead.qualify'])
})

it('every module of the folder is a handler, declarations, tests and subfolders are not', async () => {
  const directory = folderOf({
    'one.ts': handlerSource('test.one'),
    'two.mjs': handlerSource('test.two'),
    'three.js': handlerSource('test.three'),
    'one.d.ts': 'nonsense here',
    'one.test.ts': 'nonsense here',
    'notes.md': 'nonsense here',
  })
  mkdirSync(join(directory, 'sub.ts'))
  writeFileSync(join(directory, 'sub.ts', 'four.ts'), handlerSource('test.four'))
  const { handlers, broken } = await loadHandlers(directory)
  expect(broken).toEqual([])
  expect([...handlers.keys()].sort()).toEqual(['test.one', 'test.three', 'test.two'])
})

it("a folder outside of this package imports 'spillway' like any other", async () => {
  const { handlers, broken } = await loadHandlers(
    folderOf({ 'one.mjs': handlerSource('test.one').replace(INDEX, 'spillway') }),
  )
  expect(broken).toEqual([])
  expect([...handlers.keys()]).toEqual(['test.one'])
})

it('a linked file is loaded: mounted ConfigMaps are folders of links', async () => {
  const directory = folderOf({})
  symlinkSync(join(folderOf({ 'one.ts': handlerSource('test.one') }), 'one.ts'), join(directory, 'one.ts'))
  expect([...(await loadHandlers(directory)).handlers.keys()]).toEqual(['test.one'])
})

it('a broken file is reported by name and costs only its own kind', async () => {
  const { handlers, broken } = await loadHandlers(
    folderOf({
      'enum.ts': 'enum A { B }\nexport default A',
      'good.ts': handlerSource('test.good'),
      'invalid.mjs': handlerSource('nodot'),
      'missing.mjs': "import 'no-such-package'",
      'nothing.mjs': 'export const a = 1',
      'other.mjs': 'export default { kind: "test.other", handle() {} }',
      'syntax.mjs': 'export default {',
      'throws.mjs': 'throw new RangeError("no such luck")',
      'throws-odd.mjs': 'throw Object.create(null)',
    }),
  )
  expect([...handlers.keys()]).toEqual(['test.good'])
  const errors = errorsOf(broken)
  expect(Object.keys(errors)).toEqual([
    'enum.ts',
    'invalid.mjs',
    'missing.mjs',
    'nothing.mjs',
    'other.mjs',
    'syntax.mjs',
    'throws-odd.mjs',
    'throws.mjs',
  ])
  expect(errors['invalid.mjs']).toContain(
    'invalid.mjs: HandlerDefinitionError: handler "nodot": kind must match',
  )
  expect(errors['missing.mjs']).toContain('no-such-package')
  expect(errors['nothing.mjs']).toBe(
    'nothing.mjs: there is no default export; add export default defineHandler({…})',
  )
  expect(errors['other.mjs']).toBe('other.mjs: the default export is not what defineHandler returns')
  expect(errors['throws.mjs']).toBe('throws.mjs: RangeError: no such luck')
})

it('a kind that two files define is lost, and both are named', async () => {
  const { handlers, broken } = await loadHandlers(
    folderOf({
      'a.mjs': handlerSource('test.same'),
      'b.mjs': handlerSource('test.same'),
      'c.mjs': handlerSource('test.c'),
    }),
  )
  expect([...handlers.keys()]).toEqual(['test.c'])
  expect(errorsOf(broken)).toEqual({
    'a.mjs': 'a.mjs: kind test.same is defined by b.mjs too; keep one of them',
    'b.mjs': 'b.mjs: kind test.same is defined by a.mjs too; keep one of them',
  })
})

it('a file that never finishes its import is given up', async () => {
  const directory = folderOf({
    'good.mjs': handlerSource('test.good'),
    'stuck.mjs': 'await new Promise(() => {})',
  })
  const { handlers, broken } = await loadHandlers(directory, { importTimeoutMs: 300 })
  expect([...handlers.keys()]).toEqual(['test.good'])
  expect(errorsOf(broken)['stuck.mjs']).toContain('did not finish within 300 ms')
})

it('a folder that cannot be read is an error of its own', async () => {
  const directory = join(temporaryDirectory(), 'nowhere')
  await expect(loadHandlers(directory)).rejects.toThrow(`the handlers' folder ${directory} cannot be read`)
})

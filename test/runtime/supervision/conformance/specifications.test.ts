import { expect, test } from 'vitest'
import type { ChildSpec } from '../../../../runtime/supervision/child-spec.ts'
import { DynamicSupervisor } from '../../../../runtime/supervision/dynamic-supervisor.ts'
import { Supervisor } from '../../../../runtime/supervision/supervisor.ts'
import { testSystem } from '../../../support/test-system.ts'
import { FakeChild } from '../fake-child.ts'

const RESTARTS = '"permanent", "transient", "temporary"'
const SHUTDOWNS = 'whole ms from 0 to 2147483647, "brutal_kill", "infinity"'
const MS = 'whole ms from 0 to 2147483647'

const badChild = [
  [{ restart: 'always' }, '/sup/x', `restart is "always"; allowed: ${RESTARTS}`],
  [{ restart: undefined }, '/sup/x', `restart is undefined; allowed: ${RESTARTS}`],
  [{ shutdown: -1 }, '/sup/x', `shutdown is -1; allowed: ${SHUTDOWNS}`],
  [{ shutdown: 0.5 }, '/sup/x', `shutdown is 0.5; allowed: ${SHUTDOWNS}`],
  [{ shutdown: Number.NaN }, '/sup/x', `shutdown is NaN; allowed: ${SHUTDOWNS}`],
  [{ shutdown: 2 ** 31 }, '/sup/x', `shutdown is 2147483648; allowed: ${SHUTDOWNS}`],
  [{ shutdown: 'kill' }, '/sup/x', `shutdown is "kill"; allowed: ${SHUTDOWNS}`],
  [{ start: undefined }, '/sup/x', 'start is undefined; allowed: a function'],
  [{ type: 'thread' }, '/sup/x', 'type is "thread"; allowed: "worker", "supervisor"'],
  [{ id: 'a/b' }, '/sup/a/b', 'id is "a/b"; allowed: a string that is not empty and has no "/"'],
  [{ id: '' }, '/sup/', 'id is ""; allowed: a string that is not empty and has no "/"'],
] as const

const wrong = (details: object): ChildSpec => ({ ...new FakeChild('x').spec, ...details }) as ChildSpec
const sup = (children: readonly ChildSpec[], options: object = {}) =>
  new Supervisor(testSystem(), { path: '/sup', strategy: 'one_for_one', children, ...options })

test.each(badChild)(
  'a child specification with %o is refused: where, field, value, what is allowed',
  async (details, where, message) => {
    const text = `${where} has a wrong specification: ${message}`
    expect(() => sup([wrong(details)])).toThrow(text)
    const supervisor = sup([])
    await supervisor.start()
    await expect(supervisor.startChild(wrong(details))).rejects.toThrow(text)
    expect(supervisor.countChildren().specs).toBe(0)
    const dynamic = new DynamicSupervisor(testSystem(), { path: '/sup', maxChildren: 1 })
    await expect(dynamic.startChild(wrong(details))).rejects.toMatchObject({ code: 'invalid', message: text })
  },
)

test('a child without an identifier is named by its position', () => {
  expect(() => sup([new FakeChild('a').spec, wrong({ id: undefined })])).toThrow(
    '/sup/(child 2) has a wrong specification: id is undefined; allowed: a string',
  )
  expect(() => sup([undefined as unknown as ChildSpec])).toThrow(
    '/sup/(child 1) has a wrong specification: it is undefined',
  )
})

test('an identifier that is given twice is refused', () => {
  expect(() => sup([wrong({}), wrong({})])).toThrow(
    '/sup/x has a wrong specification: id is "x", which is given twice; allowed is an id per child',
  )
})

test.each([
  [
    { strategy: 'all_for_one' },
    'strategy is "all_for_one"; allowed: "one_for_one", "one_for_all", "rest_for_one"',
  ],
  [
    { intensity: { intensity: -1, periodMs: 1 } },
    'intensity.intensity is -1; allowed: a whole number from 0, Infinity',
  ],
  [{ intensity: { intensity: 1, periodMs: 0 } }, 'intensity.periodMs is 0; allowed: whole ms from 1'],
  [{ intensity: { intensity: 1 } }, 'intensity.periodMs is undefined; allowed: whole ms from 1'],
  [{ backoff: { minMs: -1, maxMs: 1, resetMs: 1 } }, `backoff.minMs is -1; allowed: ${MS}`],
  [
    { backoff: { minMs: 1, maxMs: Number.POSITIVE_INFINITY, resetMs: 1 } },
    `backoff.maxMs is Infinity; allowed: ${MS}`,
  ],
  [{ backoff: { minMs: 1, maxMs: 1, resetMs: '1' } }, 'backoff.resetMs is "1"; allowed: whole ms from 0'],
  [
    { backoff: { minMs: 2, maxMs: 1, resetMs: 1 } },
    'backoff.minMs is 2; allowed is at most backoff.maxMs, 1',
  ],
])('supervisor flags with %o are refused: supervisor, field, value, what is allowed', (options, message) => {
  expect(() => sup([], options)).toThrow(`supervisor /sup has a wrong specification: ${message}`)
})

test.each([-1, 1.5, undefined, Number.POSITIVE_INFINITY])('maxChildren %o is refused', (maxChildren) => {
  expect(
    () => new DynamicSupervisor(testSystem(), { path: '/dyn', maxChildren: maxChildren as number }),
  ).toThrow(
    `supervisor /dyn has a wrong specification: maxChildren is ${maxChildren}; allowed: a whole number from 0`,
  )
})

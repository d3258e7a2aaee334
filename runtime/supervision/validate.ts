import { STRATEGIES } from './group-restart.ts'
import { SupervisorError } from './supervisor-error.ts'

/**
 * Checks what a supervisor is given, one check per field as in supervisor.erl: an error names supervisor, child, field and
 * value, and says what is allowed. TypeScript says the same earlier to those who listen.
 */
type Check = readonly [field: string, isAllowed: (value: unknown) => boolean, allowed: string]

/** A longer timer of Node fires at once. */
const LONGEST_TIMER_MS = 2_147_483_647

const isWhole = (value: unknown, from: number): value is number =>
  Number.isInteger(value) && (value as number) >= from
const isMs = (value: unknown, from: number): boolean => isWhole(value, from) && value <= LONGEST_TIMER_MS
const isOneOf = (values: readonly unknown[]) => (value: unknown) => values.includes(value)
const listed = (values: readonly string[]): string => values.map((value) => JSON.stringify(value)).join(', ')

const RESTARTS = ['permanent', 'transient', 'temporary']
const TYPES = ['worker', 'supervisor']

const CHILD: readonly Check[] = [
  [
    'id',
    (value) => typeof value === 'string' && value !== '' && !value.includes('/'),
    'a string that is not empty and has no "/"',
  ],
  ['start', (value) => typeof value === 'function', 'a function'],
  ['restart', isOneOf(RESTARTS), listed(RESTARTS)],
  [
    'shutdown',
    (value) => value === 'brutal_kill' || value === 'infinity' || isMs(value, 0),
    `whole ms from 0 to ${LONGEST_TIMER_MS}, "brutal_kill", "infinity"`,
  ],
  ['type', isOneOf([undefined, ...TYPES]), listed(TYPES)],
]

const SUPERVISOR: readonly Check[] = [
  ['strategy', isOneOf(STRATEGIES), listed(STRATEGIES)],
  [
    'intensity.intensity',
    (value) => isWhole(value, 0) || value === Number.POSITIVE_INFINITY,
    'a whole number from 0, Infinity',
  ],
  ['intensity.periodMs', (value) => isWhole(value, 1), 'whole ms from 1'],
  ['backoff.minMs', (value) => isMs(value, 0), `whole ms from 0 to ${LONGEST_TIMER_MS}`],
  ['backoff.maxMs', (value) => isMs(value, 0), `whole ms from 0 to ${LONGEST_TIMER_MS}`],
  ['backoff.resetMs', (value) => isWhole(value, 0), 'whole ms from 0'],
]

const MAX_CHILDREN: Check = ['maxChildren', (value) => isWhole(value, 0), 'a whole number from 0']

export interface SupervisorFlags {
  strategy: unknown
  intensity: { intensity: unknown; periodMs: unknown }
  backoff: { minMs: unknown; maxMs: unknown; resetMs: unknown }
}

export function checkFlags(path: string, flags: SupervisorFlags): void {
  for (const check of SUPERVISOR) checkField(path, undefined, flags, check)
  const { minMs, maxMs } = flags.backoff as { minMs: number; maxMs: number }
  if (minMs > maxMs)
    fail(path, undefined, `backoff.minMs is ${minMs}; allowed is at most backoff.maxMs, ${maxMs}`)
}

export function checkMaxChildren(path: string, options: object): void {
  checkField(path, undefined, options, MAX_CHILDREN)
}

/** `position`: of a child that is one of a list, from 1; it stands for an id that cannot be used. */
export function checkChildSpec(path: string, spec: unknown, position?: number): void {
  const child = (spec as { id?: unknown } | null | undefined)?.id
  const name = typeof child === 'string' ? child : position === undefined ? '?' : `(child ${position})`
  if (typeof spec !== 'object' || spec === null)
    fail(path, name, `it is ${shown(spec)}; allowed is a child specification`)
  for (const check of CHILD) checkField(path, name, spec as object, check)
}

export function checkIds(path: string, ids: readonly string[]): void {
  const twice = ids.find((id, index) => ids.indexOf(id) !== index)
  if (twice !== undefined)
    fail(path, twice, `id is ${shown(twice)}, which is given twice; allowed is an id per child`)
}

function checkField(path: string, child: string | undefined, owner: object, check: Check): void {
  const [field, isAllowed, allowed] = check
  const value = field
    .split('.')
    .reduce<unknown>((part, name) => (part as Record<string, unknown> | undefined)?.[name], owner)
  if (!isAllowed(value)) fail(path, child, `${field} is ${shown(value)}; allowed: ${allowed}`)
}

function fail(path: string, child: string | undefined, detail: string): never {
  throw new SupervisorError('invalid', path, child, { detail })
}

const shown = (value: unknown): string =>
  typeof value === 'string'
    ? JSON.stringify(value)
    : typeof value === 'function'
      ? 'a function'
      : String(value)

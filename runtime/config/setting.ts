/**
 * One setting: what it is for, its default, and which values it takes. Environment and flags give text, the file gives
 * JSON; `fromText` turns the first into what the second would hold, `accepts` decides on both.
 */
export interface Setting<Value = unknown, Default extends Value | undefined = Value | undefined> {
  /** One line: what it does. */
  readonly doc: string
  /** undefined: the caller of `loadConfig` gives it. */
  readonly default: Default
  readonly unit: Unit | undefined
  /** What is allowed, after the noun of its type: `0 to 65535`. */
  readonly range: string
  /** What is allowed, for an error: `a whole number, 0 to 65535`. */
  readonly expected: string
  /** A second flag, without its dashes. */
  readonly alias: string | undefined
  /** Never shown: not in errors, not in documents. */
  readonly secret: boolean
  /** The value that a text stands for, or the text itself where it stands for none. */
  fromText(text: string): unknown
  accepts(value: unknown): value is Value
}

export type Unit =
  | 'ms'
  | 'minutes'
  | 'hours'
  | 'days'
  | 'bytes'
  | 'jobs'
  | 'requests'
  | 'threads'
  | 'partitions'

interface Common {
  doc: string
  alias?: string
}

/** A whole number from `min` to `max`, both included. */
export function integer(
  spec: Common & { default: number; min: number; max: number; unit?: Unit },
): Setting<number, number> {
  const { min, max, unit } = spec
  const range = `${min} to ${max}${unit === undefined ? '' : ` ${unit}`}`
  return {
    ...common(spec),
    default: spec.default,
    unit,
    range,
    expected: `a whole number, ${range}`,
    fromText: (text) => (/^-?\d+$/.test(text) ? Number(text) : text),
    accepts: (value): value is number =>
      typeof value === 'number' && Number.isSafeInteger(value) && value >= min && value <= max,
  }
}

/** On or off. */
export function toggle(spec: Common & { default: boolean }): Setting<boolean, boolean> {
  const range = 'true or false'
  return {
    ...common(spec),
    default: spec.default,
    range,
    expected: range,
    fromText: (text) => (text === 'true' ? true : text === 'false' ? false : text),
    accepts: (value): value is boolean => typeof value === 'boolean',
  }
}

/** One of a few words. */
export function choice<const Choice extends string>(
  spec: Common & { default: NoInfer<Choice>; choices: readonly Choice[] },
): Setting<Choice, Choice> {
  const range = spec.choices.join(', ')
  return {
    ...common(spec),
    default: spec.default,
    range,
    expected: `one of ${range}`,
    fromText: (text) => text,
    accepts: (value): value is Choice => spec.choices.some((allowed) => allowed === value),
  }
}

/** One or more of a few words, none twice; as text separated by commas. Its default is all of them. */
export function choices<const Choice extends string>(
  spec: Common & { choices: readonly Choice[] },
): Setting<readonly Choice[], readonly Choice[]> {
  const isChoice = (value: unknown) => spec.choices.some((allowed) => allowed === value)
  const range = `a list of ${spec.choices.join(', ')}`
  return {
    ...common(spec),
    default: spec.choices,
    range,
    expected: `${range}, none twice`,
    fromText: (text) => text.split(',').map((word) => word.trim()),
    accepts: (value): value is readonly Choice[] =>
      Array.isArray(value) &&
      value.length > 0 &&
      value.every(isChoice) &&
      new Set(value).size === value.length,
  }
}

/** A line of text; `noun` says of what kind. Only `optional` text may be empty, which means none. */
export function text<const Default extends string | undefined>(
  spec: Common & { default: Default; noun: string; optional?: true; secret?: true },
): Setting<string, Default> {
  const range = spec.optional ? `${spec.noun}, or empty` : spec.noun
  return {
    ...common(spec),
    default: spec.default,
    range,
    expected: range,
    secret: spec.secret ?? false,
    fromText: (given) => given,
    accepts: (value): value is string =>
      typeof value === 'string' &&
      !/\p{Cc}/u.test(value) &&
      (value.trim() !== '' || (spec.optional ?? false)),
  }
}

/** An address of an HTTP service, or '' for none. Credentials do not belong in it: it is shown in errors. */
export function serviceUrl(spec: Common): Setting<string, string> {
  const noun = 'an http(s) URL without user and password'
  return { ...text({ ...spec, default: '', noun, optional: true }), accepts: isServiceUrl }
}

function isServiceUrl(value: unknown): value is string {
  if (value === '') return true
  const url = typeof value === 'string' ? URL.parse(value) : null
  return url !== null && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
}

const common = (spec: Common) => ({ doc: spec.doc, alias: spec.alias, unit: undefined, secret: false })

/** `8388608 (8 MiB)`, or nothing more than the number where it is no multiple of a KiB. */
export function withBinaryUnit(bytes: number): string {
  const unit = BINARY_UNITS.find(({ size }) => bytes >= size && bytes % size === 0)
  return unit === undefined ? `${bytes}` : `${bytes} (${bytes / unit.size} ${unit.name})`
}

const BINARY_UNITS = [
  { name: 'GiB', size: 1024 ** 3 },
  { name: 'MiB', size: 1024 ** 2 },
  { name: 'KiB', size: 1024 },
]

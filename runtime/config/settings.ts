import { poolSettings } from './pool-settings.ts'
import { choice, choices, integer, type Setting, serviceUrl, text, toggle } from './setting.ts'

/**
 * Every setting of a node, by its path. The names in the environment and on the command line (`names.ts`), the type of
 * the loaded configuration (`Config`), the README's table and `--help` (`describe-settings.ts`) all come from this table.
 * Relations between settings are in `cross-checks.ts`; bounds that nobody should set are in `bounds.ts`.
 */
const MiB = 1024 ** 2
const GiB = 1024 ** 3

const ROLES = ['absorber', 'pool-a', 'pool-b', 'pool-c'] as const
const AUTH_MODES = ['development', 'keys', 'trusted-gateway'] as const
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
const LOG_FORMATS = ['auto', 'json', 'pretty'] as const

export const SETTINGS = {
  'node.dataDir': text({
    default: '.spillway',
    noun: 'a path',
    alias: 'data-dir',
    doc: 'Where the embedded log and job table lie; one node per directory.',
  }),
  'node.roles': choices({ choices: ROLES, doc: 'What this node does.' }),
  'node.drainTimeoutMs': integer({
    default: 10_000,
    min: 0,
    max: 600_000,
    unit: 'ms',
    doc: 'Time for what is running to finish after SIGTERM; keep it below the grace period of the pod.',
  }),

  'http.host': text({
    default: '127.0.0.1',
    noun: 'an address or host name',
    alias: 'host',
    doc: 'Address of the job API; anything but a loopback address needs credentials (auth.mode).',
  }),
  'http.port': integer({
    default: 7070,
    min: 0,
    max: 65_535,
    alias: 'port',
    doc: 'Port of the job API; 0 takes a free one.',
  }),
  'http.bodyBytesMax': integer({
    default: 262_144,
    min: 1_024,
    max: 1 * MiB,
    unit: 'bytes',
    doc: 'Largest job: the body of POST /v1/jobs, or one line of a batch.',
  }),
  'http.batchBytesMax': integer({
    default: 8 * MiB,
    min: 1_024,
    max: 64 * MiB,
    unit: 'bytes',
    doc: 'Largest body of POST /v1/jobs/batch.',
  }),
  'http.requestsInFlightMax': integer({
    default: 20_000,
    min: 1,
    max: 100_000,
    unit: 'requests',
    doc: 'Requests being answered at once; more are refused with 503.',
  }),

  'operations.host': text({
    default: '127.0.0.1',
    noun: 'an address or host name',
    doc: 'Address of health, metrics and inspection.',
  }),
  'operations.port': integer({
    default: 7071,
    min: 0,
    max: 65_535,
    doc: 'Port of health, metrics and inspection; 0 takes a free one.',
  }),

  'auth.mode': choice({
    default: 'development',
    choices: AUTH_MODES,
    doc: 'Where the tenant comes from: a key printed at start (loopback only), hashed keys, or a trusted x-tenant-id header.',
  }),
  'auth.keysFile': text({
    default: '',
    noun: 'a path',
    optional: true,
    doc: 'For auth.mode keys: a JSON list of { "tenant": …, "sha256": … }, the hash of each key in hexadecimal.',
  }),

  ...poolSettings('a', { threads: 2, concurrency: 32, mailboxJobsMax: 20_000 }),
  ...poolSettings('b', { threads: 1, concurrency: 64, mailboxJobsMax: 5_000 }),
  ...poolSettings('c', { threads: 1, concurrency: 32, mailboxJobsMax: 5_000 }),

  'handlers.directory': text({
    default: undefined,
    noun: 'a path',
    doc: 'Folder whose modules are the handlers, one job kind each.',
  }),

  'log.partitionsPerLane': integer({
    default: 4,
    min: 1,
    max: 64,
    unit: 'partitions',
    doc: 'Partitions of each lane of the embedded log; fixed once the log exists.',
  }),
  'log.retentionHours': integer({
    default: 72,
    min: 1,
    max: 8_760,
    unit: 'hours',
    doc: 'Finished jobs older than this leave the log.',
  }),
  'log.bytesMax': integer({
    default: 8 * GiB,
    min: 64 * MiB,
    max: 1_024 * GiB,
    unit: 'bytes',
    doc: 'Size of the embedded log from which finished jobs leave it early.',
  }),

  'claims.lifetimeMinutes': integer({
    default: 15,
    min: 1,
    max: 1_440,
    unit: 'minutes',
    doc: 'How long a repeated request is answered from memory; the job table absorbs later copies.',
  }),

  'store.retentionDays': integer({
    default: 14,
    min: 1,
    max: 3_650,
    unit: 'days',
    doc: 'Rows of the job table are dropped by day after this; must outlast the log.',
  }),
  'store.batchJobsMax': integer({
    default: 1_000,
    min: 1,
    max: 5_000,
    unit: 'jobs',
    doc: 'Outcomes committed in one transaction.',
  }),
  'store.leaseMs': integer({
    default: 180_000,
    min: 1_000,
    max: 3_600_000,
    unit: 'ms',
    doc: 'How long a retried job belongs to the node that took it from the job table; longer than any handler runs.',
  }),

  'upstreams.chat.baseUrl': serviceUrl({
    doc: 'OpenAI-compatible API that pool B calls; empty runs the local simulator.',
  }),
  'upstreams.chat.apiKey': text({
    default: '',
    noun: 'a key',
    optional: true,
    secret: true,
    doc: 'Sent to the chat API as a bearer token.',
  }),
  'upstreams.chat.model': text({
    default: 'primary',
    noun: 'the name of a model',
    doc: 'Model that is asked first.',
  }),
  'upstreams.chat.fallbackModel': text({
    default: 'fallback',
    noun: 'the name of a model',
    optional: true,
    doc: 'Model that is asked when the first one fails; empty for none.',
  }),
  'upstreams.chat.timeoutMs': integer({
    default: 30_000,
    min: 100,
    max: 600_000,
    unit: 'ms',
    doc: 'Deadline of one call of the chat API.',
  }),
  'upstreams.crm.baseUrl': serviceUrl({ doc: 'CRM that pool C syncs to; empty runs the local simulator.' }),
  'upstreams.crm.apiKey': text({
    default: '',
    noun: 'a key',
    optional: true,
    secret: true,
    doc: 'Sent to the CRM as a bearer token.',
  }),
  'upstreams.crm.timeoutMs': integer({
    default: 5_000,
    min: 100,
    max: 600_000,
    unit: 'ms',
    doc: 'Deadline of one call of the CRM.',
  }),

  'chaos.enabled': toggle({
    default: false,
    doc: 'Lets POST /inspect/kill on the operations port end any actor of the node, to see what becomes of it; on a loopback address only.',
  }),

  'observe.logLevel': choice({ default: 'info', choices: LOG_LEVELS, doc: 'Least severe lines to log.' }),
  'observe.logFormat': choice({
    default: 'auto',
    choices: LOG_FORMATS,
    doc: 'Log lines as JSON or for readers; auto is pretty on a terminal and json elsewhere.',
  }),
} satisfies Record<string, Setting>

type Table = typeof SETTINGS
export type SettingPath = keyof Table
export const SETTING_PATHS = Object.keys(SETTINGS) as SettingPath[]
export const settingAt = (path: SettingPath): Setting => SETTINGS[path]

/** The values by path. */
type ValueOf<S> = S extends Setting<infer Value, infer _Default> ? Value : never
export type Values = { [Path in SettingPath]: ValueOf<Table[Path]> }

/** The paths whose values are numbers. */
export type NumberPath = { [Path in SettingPath]: Values[Path] extends number ? Path : never }[SettingPath]

/** Settings whose default depends on the program around the runtime. */
type GivenPath = {
  [Path in SettingPath]: undefined extends Table[Path]['default'] ? Path : never
}[SettingPath]
export type GivenDefaults = { readonly [Path in GivenPath]: Values[Path] }

/** The loaded configuration: `config.http.port`, `config.pools.a.threads`. */
export type Config = Nested<Values>
type Nested<Flat> = {
  readonly [Head in HeadOf<keyof Flat & string>]: Head extends keyof Flat
    ? Flat[Head]
    : Nested<TailsOf<Flat, Head>>
}
type HeadOf<Path extends string> = Path extends `${infer Head}.${string}` ? Head : Path
type TailsOf<Flat, Head extends string> = {
  [Path in keyof Flat as Path extends `${Head}.${infer Tail}` ? Tail : never]: Flat[Path]
}

export const valueAt = <Path extends SettingPath>(config: Config, path: Path): Values[Path] =>
  path
    .split('.')
    .reduce((group: unknown, segment) => (group as Record<string, unknown>)[segment], config) as Values[Path]

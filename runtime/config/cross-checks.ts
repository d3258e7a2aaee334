import { type Conflict, unless } from './conflict.ts'
import { isLoopback } from './loopback.ts'
import { type Config, SETTINGS } from './settings.ts'

/** Relations between settings that have to hold before a node starts. */
export function crossCheck(config: Config): Conflict[] {
  const { auth, chaos, http, operations, log, store, upstreams } = config
  return [
    ...unless(
      auth.mode !== 'development' || isLoopback(http.host),
      ['auth.mode', 'http.host'],
      `auth.mode development lets every caller in, so http.host must be a loopback address, not ${http.host}; set auth.mode to keys or trusted-gateway`,
    ),
    ...unless(
      auth.mode !== 'keys' || auth.keysFile !== '',
      ['auth.mode', 'auth.keysFile'],
      'auth.mode keys needs auth.keysFile',
    ),
    ...unless(
      operations.port !== http.port || http.port === 0,
      ['operations.port', 'http.port'],
      `operations.port and http.port are both ${http.port}; give each its own`,
    ),
    ...unless(
      !chaos.enabled || isLoopback(operations.host),
      ['chaos.enabled', 'operations.host'],
      `chaos.enabled lets every caller of the operations port end actors, so operations.host must be a loopback address, not ${operations.host}`,
    ),
    ...unless(
      http.bodyBytesMax <= http.batchBytesMax,
      ['http.bodyBytesMax', 'http.batchBytesMax'],
      `http.bodyBytesMax ${http.bodyBytesMax} is above http.batchBytesMax ${http.batchBytesMax}: a batch could not hold the largest job`,
    ),
    ...unless(
      store.retentionDays * 24 > log.retentionHours,
      ['store.retentionDays', 'log.retentionHours'],
      `store.retentionDays ${store.retentionDays} does not outlast log.retentionHours ${log.retentionHours}: a job delivered again would run twice`,
    ),
    ...unless(
      upstreams.chat.baseUrl === '' || upstreams.chat.model !== SETTINGS['upstreams.chat.model'].default,
      ['upstreams.chat.baseUrl', 'upstreams.chat.model'],
      `upstreams.chat.model ${upstreams.chat.model} is known to the simulator only; name a model of ${upstreams.chat.baseUrl}`,
    ),
  ]
}

import { type Logger, type LoggerOptions, pino } from 'pino'

export type { Logger } from 'pino'

/**
 * The node's logger: JSON lines on stdout, or readable ones for a terminal. `auto` looks at whether stdout is one.
 * Fixed fields: `actor`, `pool`, `jobId`, `tenant`, `traceId`, `attempt`. Never payloads or credentials.
 */
export function createLogger(level: string, format: 'auto' | 'json' | 'pretty'): Logger {
  const pretty = format === 'pretty' || (format === 'auto' && process.stdout.isTTY === true)
  const options: LoggerOptions = { level, base: null }
  if (pretty)
    options.transport = {
      target: 'pino-pretty',
      options: { translateTime: 'HH:MM:ss.l', ignore: 'pid,hostname' },
    }
  return pino(options)
}

import { didYouMean, type Given, type Layer } from './layer.ts'
import { CONFIG_FILE, ENVIRONMENT_PREFIX, environmentName } from './names.ts'
import { SETTING_PATHS, settingAt } from './settings.ts'

/**
 * Reads every `SPILLWAY_…` variable. One that names no setting is a problem, save what Kubernetes puts into each
 * container for a Service named `spillway…` (`SPILLWAY_SERVICE_HOST`, `SPILLWAY_PORT_7070_TCP_ADDR`).
 */
export function readEnvironment(env: Readonly<Record<string, string | undefined>>): Layer {
  const given: Given[] = []
  const problems: string[] = []
  for (const [name, text] of Object.entries(env)) {
    if (text === undefined || !name.startsWith(ENVIRONMENT_PREFIX) || name === CONFIG_FILE.environment)
      continue
    const path = PATH_OF.get(name)
    const label = `environment ${name}`
    if (path !== undefined)
      given.push({ path, source: 'environment', label, value: settingAt(path).fromText(text) })
    else if (!isServiceLink(name, text))
      problems.push(`${label}: there is no such setting${didYouMean(name, KNOWN)}`)
  }
  const file = env[CONFIG_FILE.environment]
  const label = `environment ${CONFIG_FILE.environment}`
  return { given, problems, ...(file !== undefined && { configFile: { path: file, label } }) }
}

const PATH_OF = new Map(SETTING_PATHS.map((path) => [environmentName(path), path]))
const KNOWN = [...PATH_OF.keys(), CONFIG_FILE.environment]

/** https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables */
const isServiceLink = (name: string, text: string): boolean =>
  /_SERVICE_(HOST|PORT(_[A-Z0-9_]+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$/.test(name) ||
  (name.endsWith('_PORT') && /^(tcp|udp|sctp):\/\//.test(text))

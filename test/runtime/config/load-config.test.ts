import { describe, expect, it } from 'vitest'
import { SETTING_PATHS, settingAt, valueAt } from '../../../runtime/config/settings.ts'
import { load, problemsOf } from './loading.ts'

describe('precedence', () => {
  const files = {
    'spillway.json': '{"http": {"port": 1, "host": "127.0.0.2"}, "log": {"retentionHours": 1}}',
  }
  const env = { SPILLWAY_HTTP_PORT: '2', SPILLWAY_HTTP_HOST: '127.0.0.3' }
  const argv = ['--http-port', '3']

  it('a flag wins over the environment, that over the file, that over the default, and sources say which', () => {
    const { config, sources } = load({ argv, env, files })
    expect(config.http).toMatchObject({ port: 3, host: '127.0.0.3' })
    expect(config.log).toMatchObject({ retentionHours: 1, partitionsPerLane: 4 })
    expect(sources).toMatchObject({
      'http.port': 'flag',
      'http.host': 'environment',
      'log.retentionHours': 'file',
      'log.partitionsPerLane': 'default',
    })
  })

  it('without any source every setting has its default', () => {
    const { config, sources } = load()
    for (const path of SETTING_PATHS) {
      expect(valueAt(config, path)).toEqual(settingAt(path).default ?? '/handlers')
      expect(sources[path]).toBe('default')
    }
  })

  it('a file that is named replaces spillway.json, and the flag that names one wins over the environment', () => {
    const named = { ...files, 'a.json': '{"http": {"port": 10}}', 'b.json': '{"http": {"port": 20}}' }
    const config = { SPILLWAY_CONFIG: 'a.json' }
    expect(load({ env: config, files: named }).config.http).toMatchObject({ port: 10, host: '127.0.0.1' })
    expect(load({ argv: ['--config', 'b.json'], env: config, files: named }).config.http.port).toBe(20)
  })

  it('the loaded configuration cannot be changed, at any depth', () => {
    const { config } = load()
    expect(Object.isFrozen(config)).toBe(true)
    expect(Object.isFrozen(config.pools.a)).toBe(true)
    expect(Object.isFrozen(config.node.roles)).toBe(true)
  })
})

describe('values', () => {
  it('flags take --name value, --name=value and an alias', () => {
    expect(load({ argv: ['--http-port', '1'] }).config.http.port).toBe(1)
    expect(load({ argv: ['--http-port=1'] }).config.http.port).toBe(1)
    expect(load({ argv: ['--port', '1', '--data-dir=a=b'] }).config).toMatchObject({
      http: { port: 1 },
      node: { dataDir: 'a=b' },
    })
  })

  it('a list is separated by commas as text and an array in the file', () => {
    const roles = ['absorber', 'pool-b']
    expect(load({ env: { SPILLWAY_NODE_ROLES: 'absorber, pool-b' } }).config.node.roles).toEqual(roles)
    const file = JSON.stringify({ node: { roles } })
    expect(load({ files: { 'spillway.json': file } }).config.node.roles).toEqual(roles)
  })

  it('on and off are true and false, as text and in the file', () => {
    expect(load().config.chaos.enabled).toBe(false)
    expect(load({ argv: ['--chaos-enabled', 'true'] }).config.chaos.enabled).toBe(true)
    const file = JSON.stringify({ chaos: { enabled: true } })
    const files = { 'spillway.json': file }
    expect(load({ files }).config.chaos.enabled).toBe(true)
    expect(load({ files, env: { SPILLWAY_CHAOS_ENABLED: 'false' } }).config.chaos.enabled).toBe(false)
  })

  it('a file may begin with a byte order mark', () => {
    expect(load({ files: { 'spillway.json': '\uFEFF{"http": {"port": 1}}' } }).config.http.port).toBe(1)
  })

  it.each(
    [
      ['abc', '65536', '-1', '1.5', '', '1e3', '0x10'].map((value) => ['SPILLWAY_HTTP_PORT', value]),
      ['absorber,pool-d', 'absorber,absorber', ''].map((value) => ['SPILLWAY_NODE_ROLES', value]),
      ['Development', ''].map((value) => ['SPILLWAY_AUTH_MODE', value]),
      ['yes', '1', 'TRUE', ''].map((value) => ['SPILLWAY_CHAOS_ENABLED', value]),
      ['', ' ', 'a\nb'].map((value) => ['SPILLWAY_NODE_DATA_DIR', value]),
      ['ftp://x', 'x', 'http://user@x'].map((value) => ['SPILLWAY_UPSTREAMS_CRM_BASE_URL', value]),
    ].flat() as [string, string][],
  )('%s refuses %j', (name, value) => {
    const problems = problemsOf({ env: { [name]: value } })
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(`environment ${name}: `)
    expect(problems[0]).toContain('is not allowed; expected ')
  })

  it('a value in the file has to have its JSON type', () => {
    expect(problemsOf({ files: { 'spillway.json': '{"http": {"port": "1", "host": 1}}' } })).toEqual([
      'file spillway.json, http.port: "1" is not allowed; expected a whole number, 0 to 65535',
      'file spillway.json, http.host: 1 is not allowed; expected an address or host name',
    ])
  })
})

describe('errors', () => {
  it('all of them are listed at once, each with its source', () => {
    const problems = problemsOf({
      argv: ['--port', 'x', '--node-drain-timeout-ms', '-1'],
      env: { SPILLWAY_OBSERVE_LOG_LEVEL: 'loud' },
      files: { 'spillway.json': '{"store": {"leaseMs": null}}' },
    })
    expect(problems).toEqual([
      'file spillway.json, store.leaseMs: null is not allowed; expected a whole number, 1000 to 3600000 ms',
      'environment SPILLWAY_OBSERVE_LOG_LEVEL: "loud" is not allowed; expected one of trace, debug, info, warn, error, fatal, silent',
      'flag --port: "x" is not allowed; expected a whole number, 0 to 65535',
      'flag --node-drain-timeout-ms: -1 is not allowed; expected a whole number, 0 to 600000 ms',
    ])
  })

  it('a wrong value is an error even where a right one wins over it', () => {
    expect(problemsOf({ argv: ['--port', '1'], env: { SPILLWAY_HTTP_PORT: 'x' } })).toHaveLength(1)
  })

  it('an unknown name is an error with the nearest known one', () => {
    const problems = problemsOf({
      argv: ['--prot', '1', '--completely-different=1'],
      env: { SPILLWAY_HTTP_PROT: '1', SPILLWAY_CONFGI: 'x' },
      files: { 'spillway.json': '{"htpp": {}, "http": {"hosts": 1}}' },
    })
    expect(problems).toEqual([
      'file spillway.json, htpp: there is no such setting; did you mean http?',
      'file spillway.json, http.hosts: there is no such setting; did you mean http.host?',
      'environment SPILLWAY_HTTP_PROT: there is no such setting; did you mean SPILLWAY_HTTP_PORT?',
      'environment SPILLWAY_CONFGI: there is no such setting; did you mean SPILLWAY_CONFIG?',
      'flag --prot: there is no such setting; did you mean --port?',
      'flag --completely-different: there is no such setting',
    ])
  })

  it('what Kubernetes sets for a Service named spillway is none', () => {
    const env = {
      SPILLWAY_SERVICE_HOST: '10.0.0.1',
      SPILLWAY_SERVICE_PORT: '7070',
      SPILLWAY_SERVICE_PORT_HTTP: '7070',
      SPILLWAY_PORT: 'tcp://10.0.0.1:7070',
      SPILLWAY_PORT_7070_TCP: 'tcp://10.0.0.1:7070',
      SPILLWAY_PORT_7070_TCP_ADDR: '10.0.0.1',
    }
    expect(problemsOf({ env })).toEqual([])
    expect(problemsOf({ env: { SPILLWAY_PORT: '7070' } })).toHaveLength(1)
  })

  it('a flag without its value, a flag given twice and a stray argument are errors', () => {
    expect(problemsOf({ argv: ['--http-host', '--port', '1', '--http-port=2', '-p', '--config'] })).toEqual([
      'flag --http-host: needs a value',
      'flag --http-port: is given twice',
      'argument "-p": expected --name value',
      'flag --config: needs a value',
    ])
  })

  it('a file that is named must exist, spillway.json need not', () => {
    expect(problemsOf({})).toEqual([])
    expect(problemsOf({ argv: ['--config', 'x.json'] })).toEqual(['flag --config: there is no file "x.json"'])
    expect(problemsOf({ env: { SPILLWAY_CONFIG: 'x.json' } })).toEqual([
      'environment SPILLWAY_CONFIG: there is no file "x.json"',
    ])
  })

  it('a file that is no JSON object is an error with its position', () => {
    const problemOf = (text: string) => problemsOf({ files: { 'spillway.json': text } })
    expect(problemOf('{"http":\n  {"port": 1,}}')).toEqual([
      'file spillway.json: no valid JSON at line 2, column 14',
    ])
    expect(problemOf('[]')).toEqual(['file spillway.json: expected a JSON object'])
    expect(problemOf('{"http": 7070}')).toEqual([
      'file spillway.json, http: expected an object with the settings of http',
    ])
    expect(problemOf('{"http.port": 1}')).toEqual([
      'file spillway.json, http.port: expected nested objects instead of the key "http.port"',
    ])
  })

  it.each([
    { env: { SPILLWAY_UPSTREAMS_CHAT_API_KEY: 'hush\n' } },
    { argv: ['--upstreams-crm-api-kye', 'hush'] },
    { argv: ['--upstreams-crm-api-kye=hush'] },
    { files: { 'spillway.json': '{"upstreams": {"crm": {"apiKey": "hush" x' } },
    { files: { 'spillway.json': '{"upstreams": {"crm": {"apiKey": ["hush"]}}}' } },
    { files: { 'spillway.json': '{"upstreams": {"crm": "hush"}}' } },
    { files: { 'spillway.json': '{"apiKey": "hush"}' } },
    { env: { SPILLWAY_UPSTREAMS_CRM_BASE_URL: 'https://user:hush@crm' } },
  ])('no secret is shown: %j', (given) => {
    const problems = problemsOf(given)
    expect(problems).not.toEqual([])
    expect(problems.join()).not.toContain('hush')
  })
})

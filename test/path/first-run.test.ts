import { execFile, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, type TestContext, test } from 'vitest'
import { EXIT } from '../../supervisors/exit-codes.ts'
import type { NodeClient } from '../support/node-client.ts'
import { SpillwayProcess, startNodeProcess } from '../support/spillway-process.ts'
import { suiteDirectory, temporaryDirectory } from '../support/temporary-directory.ts'
import { until } from '../support/until.ts'

/** What a person meets who starts a node for the first time: the real command, in a process of its own. */
const PROJECT = fileURLToPath(new URL('../..', import.meta.url))
const HANDLERS = fileURLToPath(new URL('../support/handlers', import.meta.url))

const directory = suiteDirectory()
let node: SpillwayProcess
let client: NodeClient
let id: string

beforeAll(async () => {
  ;({ process: node, client } = await startNodeProcess(directory, [], afterAll))
})

/** Runs a command as it is printed, in a shell. */
async function typed(command: string, { skip }: TestContext): Promise<string> {
  if (spawnSync('curl', ['--version']).status !== 0) skip('there is no curl on this machine')
  return (await promisify(execFile)('sh', ['-c', command])).stdout
}

async function run(...argv: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const process = new SpillwayProcess(argv)
  onTestFinished(() => process.signal('SIGKILL'))
  const code = await process.ended
  return { code, stdout: process.stdout, stderr: process.stderr }
}

describe('a node on a fresh directory', () => {
  test('says where it listens, where its data is, what it stands on and what that does not promise', () => {
    const { stdout } = node
    expect(stdout).toMatch(/^spillway is ready after \d+\.\d s, roles absorber, pool-a, pool-b, pool-c\n/)
    expect(stdout).toContain(`jobs        http://127.0.0.1:${client.ports.http}/v1/jobs\n`)
    expect(stdout).toContain(`operations  http://127.0.0.1:${client.ports.operations}/inspect `)
    expect(stdout).toContain(`data        ${directory}\n`)
    expect(stdout).toMatch(/pools {7}A 2×32 {3}B 1×64 {3}C 1×32 {3}\(threads × jobs at once\)\n/)
    expect(stdout).toMatch(/embedded {4}log and claims \(LMDB\), job table \(PGlite\), simulated upstreams/)
    expect(stdout).toContain('a 202 survives a crash, not the loss of the disk')
    expect(stdout).toMatch(/API key {5}sk-dev-local \(development mode: tenant dev, loopback only\)\n/)
    expect(node.stderr).toBe('')
  })

  test("the banner's command is answered 202, and the node says when that job is stored", async (context) => {
    const [command] = /curl .*/s.exec(node.stdout) ?? []
    const answer = await typed(command ?? '', context)
    id = acceptedId(answer)
    expect(answer).not.toMatch(/^idempotency-replayed/im)
    expect((await client.settled(id, 2_000)).status).toBe('done')
    await node.says(new RegExp(`the first job is stored, \\d+ ms after it was accepted: ${id}\n`))
  })

  test("the README's command is answered 202 too, with the same job", async (context) => {
    const readme = readFileSync(`${PROJECT}/README.md`, 'utf8')
    const [, command = ''] = /```sh\n(curl .*?)```/s.exec(readme) ?? []
    expect(command).toContain('http://127.0.0.1:7070/')
    const answer = await typed(command.replace('7070', String(client.ports.http)), context)
    expect(acceptedId(answer)).toBe(id)
    expect(answer).toMatch(/^idempotency-replayed: true\r$/im)
  })

  test('keeps others out of its directory: they say why, and whose it is', async () => {
    const second = await run('start', '--data-dir', directory, '--port', '0', '--operations-port', '0')
    expect(second).toMatchObject({ code: EXIT.couldNotStart, stdout: '' })
    expect(second.stderr).toMatch(/^spillway: the node could not start: [^\n]*\n$/)
    expect(second.stderr).toContain(`data directory ${directory} is in use by process ${node.pid} `)
  })

  test('keeps others off its port: they say so', async () => {
    const { operations } = client.ports
    const argv = ['--data-dir', temporaryDirectory(), '--port', '0', '--operations-port', String(operations)]
    const second = await run('start', ...argv)
    expect(second.code).toBe(EXIT.couldNotStart)
    expect(second.stderr).toMatch(/^spillway: the node could not start: [^\n]*\n$/)
    expect(second.stderr).toContain(`127.0.0.1:${operations}: no such address here, or the port is taken`)
  })

  test('drains at Ctrl-C, and says so', async () => {
    node.signal('SIGINT')
    expect(await node.ended).toBe(EXIT.ok)
    expect(node.stdout).toMatch(
      /\nSIGINT: draining, 10000 ms at most; once more ends at once\n(\{.*"actor":"\/node\/drain".*\}\n)+drained and stopped\n$/,
    )
    expect(node.stderr).toBe('')
  })
})

test('a node on the same directory finds the earlier job, and a second Ctrl-C ends it at once', async (context) => {
  if (id === undefined) context.skip('without curl there is no earlier job')
  const flags = ['--handlers-directory', HANDLERS]
  const { process: next, client } = await startNodeProcess(directory, flags, onTestFinished)
  expect((await client.get(`/v1/jobs/${id}`)).json).toMatchObject({ id, status: 'done', attempt: 1 })

  const { json } = await client.post({ kind: 'test.waiting', payload: { n: 1, ms: 5_000 } })
  const job = `/v1/jobs/${json.id}`
  await until(async () => (await client.get(job)).json.status === 'running', 'the job runs')
  next.signal('SIGINT')
  await next.says('SIGINT: draining')
  let how: number | string | undefined
  void next.ended.then((ended) => {
    how = ended
  })
  await until(() => {
    next.signal('SIGINT')
    return how
  }, 'a second Ctrl-C ends it')
  // A shell calls that EXIT.interrupted.
  expect(how).toBe('SIGINT')
  expect(next.stdout).not.toContain('drained')
})

describe('the command line', () => {
  test('lists what is wrong with its flags, all of it', async () => {
    const flags = ['--prot', '8080', '--pools-a-threads', '0', '--http-host', '0.0.0.0']
    const { code, stdout, stderr } = await run('start', ...flags)
    expect({ code, stdout }).toEqual({ code: EXIT.badConfiguration, stdout: '' })
    const [title, ...problems] = stderr.trimEnd().split('\n')
    expect(title).toBe('the configuration has 3 problems:')
    expect(problems).toEqual([
      expect.stringContaining('flag --prot: there is no such setting; did you mean --port?'),
      expect.stringContaining('flag --pools-a-threads: 0 is not allowed; expected'),
      expect.stringContaining('http.host must be a loopback address, not 0.0.0.0'),
    ])
  })

  test('explains itself: its commands, the flags of each with their defaults, its exit codes', async () => {
    const [help, startHelp] = await Promise.all([run('--help'), run('start', '--port', '1', '--help')])
    expect(help).toMatchObject({ code: EXIT.ok, stderr: '' })
    expect(help.stdout).toMatch(/^usage: spillway <command> \[flags\]\n\n {2}start {5}run a node\n/)
    expect(startHelp).toMatchObject({ code: EXIT.ok, stderr: '' })
    expect(startHelp.stdout).toMatch(/^ {2}--http-port, --port\n.*\n.*default 7070; SPILLWAY_HTTP_PORT\)$/m)
    const { usage: _, ...codes } = EXIT
    for (const code of Object.values(codes))
      expect(startHelp.stdout).toMatch(new RegExp(`^ {2}${code} `, 'm'))
  })

  test('refuses a command that there is not, with the nearest one, and none at all', async () => {
    const [unknown, none] = await Promise.all([run('strat'), run()])
    expect(unknown).toMatchObject({ code: EXIT.usage, stdout: '' })
    expect(unknown.stderr).toContain('there is no command "strat"; did you mean "start"?\n\nusage: ')
    expect(none.code).toBe(EXIT.usage)
  })

  test('tells its version', async () => {
    const { version } = JSON.parse(readFileSync(`${PROJECT}/package.json`, 'utf8'))
    expect(await run('--version')).toEqual({ code: EXIT.ok, stdout: `${version}\n`, stderr: '' })
  })
})

/** The id in the Location of a 202, as `curl -i` prints it. */
function acceptedId(answer: string): string {
  expect(answer).toMatch(/^HTTP\/1\.1 202 Accepted\r\n/)
  const [, location = ''] = /^location: \/v1\/jobs\/(\S+)\r$/im.exec(answer) ?? []
  expect(answer).toContain(`"id":"${location}"`)
  return location
}

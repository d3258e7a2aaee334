import { readFileSync } from 'node:fs'
import { closest, distance } from 'fastest-levenshtein'
import { EXIT } from './exit-codes.ts'
import { start, startHelp } from './start.ts'

/** The command line: `spillway <command> [flags]`. Data goes to stdout, messages to stderr. */
interface Command {
  summary: string
  help(): string
  /** Resolves with the exit code. */
  run(argv: readonly string[]): Promise<number>
}

const COMMANDS: Readonly<Record<string, Command>> = {
  start: { summary: 'run a node', help: startHelp, run: start },
}

const usage = (): string => {
  const commands = Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(10)}${summary}`)
  return `usage: spillway <command> [flags]\n\n${commands.join('\n')}\n\nspillway <command> --help tells its flags; spillway --version.\n`
}

async function main([name, ...argv]: readonly string[]): Promise<number> {
  if (name === '--version') {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
    console.log(version)
    return EXIT.ok
  }
  if (name === undefined || name === '--help' || name === 'help') {
    process.stdout.write(usage())
    return name === undefined ? EXIT.usage : EXIT.ok
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (!command) {
    const near = closest(name, Object.keys(COMMANDS))
    const hint = distance(name, near) <= 2 ? `; did you mean "${near}"?` : ''
    console.error(`spillway: there is no command ${JSON.stringify(name)}${hint}\n\n${usage()}`)
    return EXIT.usage
  }
  if (argv.includes('--help')) {
    process.stdout.write(command.help())
    return EXIT.ok
  }
  return command.run(argv)
}

// Threads and sockets that a failed part left behind must not keep a node alive that has ended.
process.exit(await main(process.argv.slice(2)))

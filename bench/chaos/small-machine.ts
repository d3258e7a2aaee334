import { accessSync, constants, existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/**
 * A control group with little memory and few cores, as a container has them. By cgroup v2 where its tree has the two
 * controllers, else by v1; both want root.
 */
const ROOT = '/sys/fs/cgroup'
const NAME = `spillway-chaos-${process.pid}`
const PERIOD_US = 100_000

export class SmallMachine {
  readonly #groups: readonly string[]

  private constructor(groups: readonly string[]) {
    this.#groups = groups
  }

  static create({ memoryMib, cores }: { memoryMib: number; cores: number }): SmallMachine {
    const bytes = String(memoryMib * 2 ** 20)
    const quotaUs = String(cores * PERIOD_US)
    if (existsSync(join(ROOT, 'cgroup.controllers'))) {
      const group = join(ROOT, NAME)
      writable(ROOT)
      writeFileSync(join(ROOT, 'cgroup.subtree_control'), '+cpu +memory')
      mkdirSync(group)
      writeFileSync(join(group, 'memory.max'), bytes)
      writeFileSync(join(group, 'cpu.max'), `${quotaUs} ${PERIOD_US}`)
      return new SmallMachine([group])
    }
    const [memory, cpu] = [join(ROOT, 'memory', NAME), join(ROOT, 'cpu', NAME)]
    for (const group of [memory, cpu]) {
      writable(join(group, '..'))
      mkdirSync(group)
    }
    writeFileSync(join(memory, 'memory.limit_in_bytes'), bytes)
    writeFileSync(join(cpu, 'cpu.cfs_period_us'), String(PERIOD_US))
    writeFileSync(join(cpu, 'cpu.cfs_quota_us'), quotaUs)
    return new SmallMachine([memory, cpu])
  }

  /** What runs a command inside. */
  get under(): string[] {
    const enter = this.#groups.map((group) => `echo $$ > ${group}/cgroup.procs`).join(' && ')
    return ['sh', '-c', `${enter} && exec "$@"`, 'sh']
  }

  /** When nothing runs in it any more. */
  remove(): void {
    for (const group of this.#groups) rmdirSync(group)
  }
}

function writable(directory: string): void {
  try {
    accessSync(directory, constants.W_OK)
  } catch {
    throw new Error(
      `control groups can't be made in ${directory}: run as root, with cgroup v2 (cpu, memory) or v1 mounted`,
    )
  }
}

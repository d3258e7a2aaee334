import { readFileSync } from 'node:fs'

/** CPU seconds used so far, user and system (Linux): of all threads of a process, or of its main thread alone. */
export const cpuSecondsOf = (pid: number): number => cpuSecondsIn(`/proc/${pid}/stat`)
export const mainThreadCpuSecondsOf = (pid: number): number => cpuSecondsIn(`/proc/${pid}/task/${pid}/stat`)

/** `USER_HZ`: 100 on every Linux that Node runs on. */
const CLOCK_TICKS_PER_SECOND = 100

function cpuSecondsIn(statPath: string): number {
  // https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: fields 14 and 15, counted from behind the name
  const fields = readFileSync(statPath, 'utf8').split(') ')[1]?.split(' ') ?? []
  return (Number(fields[11]) + Number(fields[12])) / CLOCK_TICKS_PER_SECOND
}

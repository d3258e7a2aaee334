import { type ChildProcess, spawn } from 'node:child_process'

/** Unrelated processes that burn so many cores: each spins for its share of every 10 ms. */
const SCRIPT = `
const share = Number(process.argv[1])
const turn = () => {
  const startedAt = performance.now()
  while (performance.now() - startedAt < 10 * share) Math.sqrt(Math.random())
  setTimeout(turn, 10 * (1 - share))
}
turn()`

/** The function returned ends them. */
export function burn(cores: number): () => void {
  const shares: number[] = []
  for (let left = cores; left > MIN_SHARE; left--) shares.push(Math.min(1, left))
  const children: ChildProcess[] = shares.map((share) =>
    spawn(process.execPath, ['-e', SCRIPT, String(share)], { stdio: 'ignore' }),
  )
  const end = (): void => {
    for (const child of children) child.kill('SIGKILL')
    process.off('exit', end)
  }
  process.on('exit', end)
  return end
}

const MIN_SHARE = 0.02

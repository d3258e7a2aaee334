import { spawnSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/**
 * A small file system of its own (tmpfs) that can be filled by a ballast file and freed again. Mounting one takes root, or
 * a user namespace of one's own (`unshare -rm`).
 */
const BALLAST_BYTES = 64 * 1024

export class SmallDisk {
  readonly path: string
  readonly #ballast: string
  /** However this process exits: a mount would outlive it. */
  readonly #unmountAtExit = (): void => void this.#umount()

  private constructor(path: string) {
    this.path = path
    this.#ballast = join(path, 'ballast')
    process.on('exit', this.#unmountAtExit)
  }

  /** Throws, and says what to do, where it may not be mounted. */
  static mount(path: string, mebibytes: number): SmallDisk {
    mkdirSync(path, { recursive: true })
    const options = ['-t', 'tmpfs', '-o', `size=${mebibytes}m`, 'spillway-chaos', path]
    const { status, stderr, error } = spawnSync('mount', options, { encoding: 'utf8' })
    if (status !== 0)
      throw new Error(
        `a small file system can't be mounted (${error?.message ?? stderr.trim()}): run this as root, or in a user ` +
          'namespace (unshare -rm npm run chaos -- full-disk); a container needs the capability SYS_ADMIN for it',
      )
    return new SmallDisk(path)
  }

  get freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.path)
    return bavail * bsize
  }

  /** Takes what is free, but for so many bytes. */
  fill(leaveBytes: number): void {
    const descriptor = openSync(this.#ballast, 'w')
    const block = Buffer.alloc(BALLAST_BYTES)
    try {
      while (this.freeBytes > leaveBytes) writeSync(descriptor, block)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
    } finally {
      closeSync(descriptor)
    }
  }

  free(): void {
    rmSync(this.#ballast, { force: true })
  }

  /** Throws where that fails: the directory must not be removed then, for what is on the disk would be. */
  unmount(): void {
    process.off('exit', this.#unmountAtExit)
    const { status, stderr, error } = this.#umount()
    if (status !== 0)
      throw new Error(
        `${this.path} can't be unmounted (${error?.message ?? stderr.trim()}): unmount it by hand (umount -l), then ` +
          'remove it',
      )
  }

  #umount() {
    return spawnSync('umount', ['-l', this.path], { encoding: 'utf8' })
  }
}

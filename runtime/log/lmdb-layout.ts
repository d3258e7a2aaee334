import { LogOpenError } from './log-error.ts'

/**
 * Which lanes a log was created with: stored in it, compared with the configuration at every start.
 *
 * A lane's partition count is for ever: producers pick the partition by a hash of the ordering key, so with another
 * count a key's new jobs would overtake its old ones. New lanes may be added; a stored lane must stay configured.
 */
export interface Layout {
  formatVersion: number
  /** A lane's partitions have the ids `firstId` to `firstId + partitions - 1` in the table of batches. */
  lanes: Record<string, { firstId: number; partitions: number }>
}

const FORMAT_VERSION = 2

/** The layout to work with: the stored one plus the lanes that are new. Throws LogOpenError. */
export function planLayout(
  stored: Layout | undefined,
  configured: ReadonlyMap<string, number>,
  partitionsMax: number,
  directory: string,
): Layout {
  if (stored !== undefined) refuseMismatch(stored, configured, directory)
  const lanes = { ...stored?.lanes }
  let nextId = Object.values(lanes).reduce((sum, lane) => sum + lane.partitions, 0)
  for (const [lane, partitions] of configured) {
    if (lanes[lane] !== undefined) continue
    if (!Number.isInteger(partitions) || partitions < 1)
      throw new LogOpenError(
        'partitions',
        directory,
        `lane ${lane} has ${partitions} partitions: give it 1 or more`,
      )
    lanes[lane] = { firstId: nextId, partitions }
    nextId += partitions
  }
  if (nextId > partitionsMax)
    throw new LogOpenError(
      'partitions',
      directory,
      `the lanes have ${nextId} partitions in all: the log in ${directory} holds ${partitionsMax} at most`,
    )
  return { formatVersion: FORMAT_VERSION, lanes }
}

function refuseMismatch(stored: Layout, configured: ReadonlyMap<string, number>, directory: string): void {
  if (stored.formatVersion !== FORMAT_VERSION)
    throw new LogOpenError(
      'format',
      directory,
      `the log in ${directory} has format version ${stored.formatVersion}, this release reads ${FORMAT_VERSION}: ` +
        'start the release that wrote it, let it work off its jobs, then start this one on an empty directory',
    )
  for (const [lane, { partitions }] of Object.entries(stored.lanes)) {
    const wanted = configured.get(lane) ?? 0
    if (wanted === partitions) continue
    throw new LogOpenError(
      'partitions',
      directory,
      `lane ${lane} has ${partitions} partitions in the log in ${directory}, but ${wanted} are configured. ` +
        `Jobs of one ordering key would overtake each other: configure ${partitions} again, or let the node work ` +
        'off its jobs and start on an empty directory',
    )
  }
}

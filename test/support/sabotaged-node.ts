import { SABOTAGES } from './sabotages.ts'

/**
 * The command `spillway` with a fault built in: `node test/support/sabotaged-node.ts NAME start [flags]`, NAME being one of
 * `sabotages.ts`. A judge that lets such a node pass is worth nothing.
 */
const [name = '', command, ...flags] = process.argv.slice(2)
const sabotage = SABOTAGES[name]
if (!sabotage || command !== 'start')
  throw new Error(`usage: sabotaged-node.ts NAME start [flags]; NAME is one of ${Object.keys(SABOTAGES)}`)
const parts = sabotage()
// Imported now: a sabotage may have changed what its imports are.
const { start } = await import('../../supervisors/start.ts')
process.exit(await start(flags, parts))

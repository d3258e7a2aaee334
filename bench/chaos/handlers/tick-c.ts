import { defineHandler } from 'spillway'
import step from './step.ts'

/** Work for pool C that calls nobody. */
export default defineHandler({ ...step, kind: 'chaos.tick-c', pool: 'c' })

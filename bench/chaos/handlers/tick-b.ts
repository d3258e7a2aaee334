import { defineHandler } from 'spillway'
import step from './step.ts'

/** Work for pool B that calls nobody. */
export default defineHandler({ ...step, kind: 'chaos.tick-b', pool: 'b' })

import { defineHandler } from 'spillway'
import leadQualify from '../../../actors/handlers/lead-qualify.ts'

/** The product's own, as the mix needs it beside the handlers made for chaos. */
export default defineHandler({ ...leadQualify })

import { defineHandler } from 'spillway'
import agentRun from '../../../actors/handlers/agent-run.ts'

/** The product's own, with retries that come sooner: a drain waits for the last of them. */
export default defineHandler({
  ...agentRun,
  timeoutMs: 20_000,
  retry: { attemptsMax: 4, backoffMinMs: 100, backoffMaxMs: 1_000 },
})

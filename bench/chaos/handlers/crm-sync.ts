import { defineHandler } from 'spillway'
import crmSync from '../../../actors/handlers/crm-sync.ts'

/** The product's own, with retries that come sooner: a drain waits for the last of them. */
export default defineHandler({
  ...crmSync,
  retry: { attemptsMax: 20, backoffMinMs: 100, backoffMaxMs: 1_000 },
})

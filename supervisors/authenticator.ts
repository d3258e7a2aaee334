import { readFileSync } from 'node:fs'
import {
  type Authenticate,
  authenticateByGateway,
  authenticateByKey,
  authenticateDevelopment,
} from '../actors/admission/authenticate.ts'
import { parseKeysFile } from '../actors/admission/key-ring.ts'
import type { Config } from '../runtime/config/settings.ts'

/** Throws for a keys file that cannot be read or used, naming it: before anything else of the node starts. */
export function authenticatorOf({ auth }: Config): Authenticate {
  switch (auth.mode) {
    case 'development':
      return authenticateDevelopment()
    case 'keys':
      return authenticateByKey(parseKeysFile(auth.keysFile, readKeysFile(auth.keysFile)))
    case 'trusted-gateway':
      return authenticateByGateway
  }
}

function readKeysFile(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (cause) {
    throw new Error(`keys file ${path} (auth.keysFile) cannot be read: ${(cause as Error).message}`, {
      cause,
    })
  }
}

import * as lmdb from 'lmdb'

/** What the sabotage `no-sync` puts in the place of `lmdb`: environments that are not synced, whatever they are told. */
export const open = ((options: lmdb.RootDatabaseOptionsWithPath) =>
  lmdb.open({ ...options, noSync: true })) as typeof lmdb.open

/** The database and this node do not fit; the message says what to do. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError'
}

/** Held to the end of the transaction by whoever changes the schema: migrations, partitions. */
export const SCHEMA_LOCK = `pg_advisory_xact_lock(hashtext('spillway.schema'))`

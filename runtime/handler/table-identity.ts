import type { Handler } from './define-handler.ts'
import type { TableDefinition } from './define-table.ts'

/**
 * What two sides must agree on before rows go from one to the other: values travel without the names of their columns,
 * in their order. Threads import the handlers again, from files that may have been edited since their node started.
 */
export interface TableIdentity {
  name: string
  /** Key and columns, in their order. */
  shape: string
}

export function tableIdentities(handlers: Iterable<Handler>): TableIdentity[] {
  return [...handlers].flatMap(({ tables }) => tables.map(identityOf))
}

/**
 * Throws for a table that the node knows otherwise. One that it does not know at all is none of these: the store refuses
 * its rows by name.
 */
export function checkSameTables(handlers: Iterable<Handler>, ofNode: readonly TableIdentity[]): void {
  for (const { kind, tables } of handlers)
    for (const { name, shape } of tables.map(identityOf))
      for (const known of ofNode)
        if (known.name === name && known.shape !== shape)
          throw new Error(
            `handler ${kind}: table ${name} is ${shape}, but this node has started with ${known.shape}. ` +
              'If the file was edited, restart the node; if two handlers share the table, have them import one definition',
          )
}

const identityOf = ({ name, key, columns }: TableDefinition): TableIdentity => ({
  name,
  shape: JSON.stringify({ key, columns: Object.entries(columns) }),
})

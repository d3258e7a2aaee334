/** One actor of a tree as `/inspect` shows it. */
export interface ActorView {
  path: string
  status: string
  incarnation: number
}

/** The actors below a node of the tree, supervisors and threads included, each before its own children. */
export function actorsIn(tree: unknown): ActorView[] {
  const { children = [] } = tree as { children?: readonly ActorView[] }
  return children.flatMap((child) => {
    const { path, status, incarnation } = child
    return [{ path, status, incarnation }, ...actorsIn(child)]
  })
}

import type { LeafPlan, Plan, SupervisorPlan } from './random-tree.ts'

/**
 * The rules of supervision once more, as small as they can be and without the runtime: no promises, no turns, no timers
 * but a list. Children start, stop and die at once; a back-off takes `delayMs`. `events` is what happened, in order.
 */
export type Death = 'normal' | 'shutdown' | 'error' | 'killed'

type Status = 'running' | 'dead' | 'restarting' | 'ended'

interface Node {
  plan: Plan
  parent: Supervisor | undefined
  status: Status
  supervisor: Supervisor | undefined
}

interface Supervisor {
  plan: SupervisorPlan
  node: Node
  children: Node[]
  restartsAtMs: number[]
  isEnded: boolean
}

interface Waiting {
  dueAtMs: number
  nodes: Set<Node>
}

export class SupervisionModel {
  readonly events: string[] = []
  /** How often a supervisor found its budget spent, by path. */
  readonly gaveUp = new Map<string, number>()
  /** Incarnations, by path. */
  readonly starts = new Map<string, number>()
  nowMs = 0
  readonly #root: Node
  readonly #delayMs: number
  readonly #failStarts = new Map<string, number>()
  #waiting: Waiting[] = []

  constructor(plan: SupervisorPlan, delayMs: number) {
    this.#root = { plan, parent: undefined, status: 'ended', supervisor: undefined }
    this.#delayMs = delayMs
    this.#start(this.#root)
  }

  get isUp(): boolean {
    return this.#root.status === 'running'
  }

  /** Status by path, of all that a running supervisor has a spec of. */
  view(): Record<string, Status> {
    const found: Record<string, Status> = {}
    const walk = (node: Node): void => {
      found[node.plan.path] = node.status
      if (node.status === 'running') node.supervisor?.children.forEach(walk)
    }
    walk(this.#root)
    return found
  }

  failNextStarts(leaf: LeafPlan, times: number): void {
    this.#failStarts.set(leaf.path, times)
  }

  /** All of these, which have one supervisor, die before it hears of any. */
  die(paths: readonly string[], reason: Death): void {
    const nodes = paths.map((path) => this.#find(path))
    for (const node of nodes) {
      if (node.plan.kind === 'leaf') this.events.push(`${node.plan.id} died`)
      else this.#kill(node)
      node.status = 'dead'
    }
    for (const node of nodes) if (node.status === 'dead') this.#exited(node, reason)
  }

  terminate(path: string): void {
    const node = this.#find(path)
    this.#stop(node)
    this.#stopWaiting(node)
    node.status = 'ended'
    if (node.plan.restart === 'temporary') this.#forget(node)
  }

  restart(path: string): void {
    this.#start(this.#find(path))
  }

  pass(ms: number): void {
    const untilMs = this.nowMs + ms
    for (;;) {
      const due = this.#waiting
        .filter(({ dueAtMs }) => dueAtMs <= untilMs)
        .sort((a, b) => a.dueAtMs - b.dueAtMs)[0]
      if (!due) break
      this.nowMs = due.dueAtMs
      this.#waiting = this.#waiting.filter((one) => one !== due)
      this.#startAgain(due.nodes)
    }
    this.nowMs = untilMs
  }

  #find(path: string): Node {
    let node = this.#root
    while (node.plan.path !== path) {
      const next = node.supervisor?.children.find(
        ({ plan }) => path === plan.path || path.startsWith(`${plan.path}/`),
      )
      if (!next) throw new Error(`the model has no ${path}`)
      node = next
    }
    return node
  }

  #start(node: Node): boolean {
    const { plan } = node
    if (plan.kind === 'leaf') {
      const fails = this.#failStarts.get(plan.path) ?? 0
      if (fails > 0) {
        this.#failStarts.set(plan.path, fails - 1)
        this.events.push(`${plan.id} fails`)
        return false
      }
      this.events.push(`start ${plan.id}`)
    } else {
      const supervisor: Supervisor = { plan, node, children: [], restartsAtMs: [], isEnded: false }
      node.supervisor = supervisor
      supervisor.children = plan.children.map((child) => ({
        plan: child,
        parent: supervisor,
        status: 'ended',
        supervisor: undefined,
      }))
      for (const child of supervisor.children) {
        if (this.#start(child)) continue
        this.#endAll(supervisor)
        return false
      }
    }
    this.starts.set(plan.path, (this.starts.get(plan.path) ?? 0) + 1)
    node.status = 'running'
    return true
  }

  #stop(node: Node): void {
    if (node.status !== 'running') return
    node.status = 'ended'
    if (node.supervisor) this.#endAll(node.supervisor)
    else this.events.push(`stop ${node.plan.id}`)
  }

  #kill(node: Node): void {
    if (node.status !== 'running') return
    node.status = 'ended'
    if (!node.supervisor) this.events.push(`kill ${node.plan.id}`)
    else {
      node.supervisor.isEnded = true
      for (const child of node.supervisor.children) this.#kill(child)
      for (const child of node.supervisor.children) this.#stopWaiting(child)
    }
  }

  #endAll(supervisor: Supervisor): void {
    supervisor.isEnded = true
    for (const child of supervisor.children) this.#stopWaiting(child)
    for (const child of [...supervisor.children].reverse()) this.#stop(child)
  }

  #exited(node: Node, reason: Death): void {
    const { parent, plan } = node
    if (!parent || parent.isEnded) {
      node.status = 'ended'
      return
    }
    const isAbnormal = reason === 'error' || reason === 'killed'
    if (plan.restart === 'permanent' || (plan.restart === 'transient' && isAbnormal))
      this.#restart(parent, node)
    else {
      node.status = 'ended'
      if (plan.restart === 'temporary') this.#forget(node)
    }
  }

  #restart(supervisor: Supervisor, failed: Node): void {
    const { intensity, periodMs } = supervisor.plan.intensity
    supervisor.restartsAtMs.push(this.nowMs)
    const recent = supervisor.restartsAtMs.filter((atMs) => atMs >= this.nowMs - periodMs).length
    if (recent > intensity) {
      this.gaveUp.set(supervisor.plan.path, (this.gaveUp.get(supervisor.plan.path) ?? 0) + 1)
      this.#endAll(supervisor)
      supervisor.node.status = 'dead'
      this.#exited(supervisor.node, 'shutdown')
      return
    }
    const { strategy } = supervisor.plan
    const at = supervisor.children.indexOf(failed)
    const group = supervisor.children.filter(
      (child, index) =>
        child === failed || strategy === 'one_for_all' || (strategy === 'rest_for_one' && index > at),
    )
    for (const child of [...group].reverse()) this.#stop(child)
    for (const child of group) {
      if (child.plan.restart === 'temporary') this.#forget(child)
      else child.status = 'restarting'
    }
    this.#wait(group.filter(({ status }) => status === 'restarting'))
  }

  #wait(group: readonly Node[]): void {
    const nodes = new Set(group)
    const overlapping = this.#waiting.filter((other) => group.some((node) => other.nodes.has(node)))
    this.#waiting = this.#waiting.filter((other) => !overlapping.includes(other))
    for (const other of overlapping) for (const node of other.nodes) nodes.add(node)
    this.#waiting.push({ dueAtMs: this.nowMs + this.#delayMs, nodes })
  }

  #startAgain(nodes: ReadonlySet<Node>): void {
    const [supervisor] = [...nodes].map(({ parent }) => parent)
    for (const child of supervisor?.children ?? []) {
      if (!nodes.has(child) || child.status !== 'restarting') continue
      if (this.#start(child)) continue
      if (supervisor) this.#restart(supervisor, child)
      return
    }
  }

  #stopWaiting(node: Node): void {
    for (const { nodes } of this.#waiting) nodes.delete(node)
  }

  #forget(node: Node): void {
    const { parent } = node
    if (parent) parent.children = parent.children.filter((child) => child !== node)
  }
}

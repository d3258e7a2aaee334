import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Random } from '../../../bench/load/random.ts'
import { ActorSystem } from '../../../runtime/actor/actor-system.ts'
import { type ExitReason, KILLED, NORMAL, SHUTDOWN } from '../../../runtime/actor/exit-reason.ts'
import type { ChildSpec } from '../../../runtime/supervision/child-spec.ts'
import { Supervisor } from '../../../runtime/supervision/supervisor.ts'
import { supervisorChild } from '../../../runtime/supervision/supervisor-child.ts'
import { BACKOFF, DELAY_MS, ERROR, FakeChild, pass, settle } from './fake-child.ts'
import { leavesOf, type Plan, randomTree, type SupervisorPlan, supervisorsOf } from './random-tree.ts'
import { type Death, SupervisionModel } from './supervision-model.ts'

/**
 * Random trees and random deaths: after each step the runtime has done and is what the model says. A failure names its
 * seed; SUPERVISION_SEED=… runs that one alone.
 */
const TREES = 400
const STEPS = 30
const REASONS: Record<Death, ExitReason> = {
  normal: NORMAL,
  shutdown: SHUTDOWN,
  error: ERROR,
  killed: KILLED,
}
const DEATHS: readonly Death[] = ['error', 'error', 'killed', 'normal', 'shutdown']
const PAUSES_MS = [0, 1, 5, DELAY_MS, 3 * DELAY_MS, 100, 1_000, 10_000]

beforeEach(() => void vi.useFakeTimers({ now: 0 }))
afterEach(() => void vi.useRealTimers())

const only = process.env.SUPERVISION_SEED
const seeds = only === undefined ? Array.from({ length: TREES }, (_, index) => index + 1) : [Number(only)]

test('random trees, random deaths: the runtime does what the model of the rules says', async () => {
  const reached = { gaveUp: 0, rootsEnded: 0, deaths: 0 }
  for (const seed of seeds) {
    const trail: string[] = []
    try {
      await play(seed, trail, reached)
    } catch (cause) {
      const { message } = cause as Error
      throw new Error(`SUPERVISION_SEED=${seed}, after ${trail.join(' · ')}: ${message}`, { cause })
    }
  }
  // Otherwise it would show little.
  if (only === undefined) {
    expect(reached.deaths).toBeGreaterThan(TREES * 5)
    expect(reached.gaveUp).toBeGreaterThan(TREES)
    expect(reached.rootsEnded).toBeGreaterThan(TREES / 4)
  }
})

async function play(
  seed: number,
  trail: string[],
  reached: { gaveUp: number; rootsEnded: number; deaths: number },
): Promise<void> {
  const random = new Random(seed)
  const plan = randomTree(random)
  trail.push(JSON.stringify(sketch(plan)))
  vi.setSystemTime(0)
  const runtime = new RuntimeTree(plan)
  const model = new SupervisionModel(plan, DELAY_MS)
  await runtime.root.start()
  compare(runtime, model)
  for (let step = 0; step < STEPS && model.isUp; step++) {
    trail.push(await takeStep(random, plan, runtime, model, reached))
    compare(runtime, model)
    const pauseMs = PAUSES_MS[random.below(PAUSES_MS.length)] ?? 0
    trail.push(`${pauseMs} ms`)
    model.pass(pauseMs)
    await pass(pauseMs)
    compare(runtime, model)
  }
  if (!model.isUp) {
    expect(await runtime.root.exited).toEqual(SHUTDOWN)
    reached.rootsEnded++
  }
  for (const times of model.gaveUp.values()) reached.gaveUp += times
  runtime.root.kill()
  vi.clearAllTimers()
}

async function takeStep(
  random: Random,
  plan: SupervisorPlan,
  runtime: RuntimeTree,
  model: SupervisionModel,
  reached: { deaths: number },
): Promise<string> {
  const view = model.view()
  const pick = <Of>(of: readonly Of[]): Of | undefined => of[random.below(of.length)]
  const leaf = pick(leavesOf(plan).filter(({ path }) => view[path] === 'running'))
  const below = pick(supervisorsOf(plan).filter(({ path }) => path !== plan.path && view[path] === 'running'))
  const dice = random.next()
  if (dice < 0.1) {
    const ended = pick(leavesOf(plan).filter(({ path }) => view[path] === 'ended'))
    if (!ended) return 'nothing'
    model.restart(ended.path)
    await runtime
      .supervisorOf(ended)
      .restartChild(ended.id)
      .catch(() => {})
    return `restart ${ended.id}`
  }
  if (dice < 0.2) {
    const any = pick(leavesOf(plan).filter(({ path }) => path in view))
    if (!any) return 'nothing'
    model.terminate(any.path)
    await runtime.supervisorOf(any).terminateChild(any.id)
    return `terminate ${any.id}`
  }
  if (dice < 0.3 && below) {
    reached.deaths++
    runtime.root.find(below.path)?.kill()
    model.die([below.path], 'killed')
    await settle()
    return `kill ${below.id}`
  }
  if (!leaf) return 'nothing'
  const times = random.next() < 0.2 ? 1 + random.below(3) : 0
  if (times > 0) {
    model.failNextStarts(leaf, times)
    runtime.leaf(leaf.path).failStarts = times
  }
  const siblings = leavesOf(plan).filter(
    (other) => other !== leaf && parentOf(other) === parentOf(leaf) && view[other.path] === 'running',
  )
  const second = random.next() < 0.2 ? pick(siblings) : undefined
  const dying = second ? [leaf, second] : [leaf]
  const reason = pick(DEATHS) ?? 'error'
  reached.deaths++
  for (const { path } of dying) runtime.leaf(path).die(REASONS[reason])
  model.die(
    dying.map(({ path }) => path),
    reason,
  )
  await settle()
  return `${dying.map(({ id }) => id).join(' and ')}: ${reason}${times > 0 ? `, ${times} failed starts of ${leaf.id}` : ''}`
}

/** The same tree of real supervisors and fake children. */
class RuntimeTree {
  readonly root: Supervisor
  readonly events: string[] = []
  readonly gaveUp = new Map<string, number>()
  readonly failures: string[] = []
  readonly #leaves = new Map<string, FakeChild>()

  constructor(plan: SupervisorPlan) {
    const log = pino({ level: 'error' }, { write: (line: string) => this.#read(JSON.parse(line)) })
    const system = new ActorSystem({
      log,
      deadLettersKept: 1,
      messagesPerTurn: 1,
      now: () => Date.now(),
      random: () => 0,
    })
    const optionsOf = ({ path, strategy, intensity, children }: SupervisorPlan) => ({
      path,
      strategy,
      intensity,
      backoff: BACKOFF,
      children: children.map(specOf),
    })
    const specOf = (child: Plan): ChildSpec => {
      if (child.kind === 'supervisor')
        return supervisorChild(system, { ...optionsOf(child), restart: child.restart })
      const fake = new FakeChild(child.id, this.events, { restart: child.restart })
      this.#leaves.set(child.path, fake)
      return fake.spec
    }
    this.root = new Supervisor(system, optionsOf(plan))
  }

  leaf(path: string): FakeChild {
    const found = this.#leaves.get(path)
    if (!found) throw new Error(`the runtime has no ${path}`)
    return found
  }

  supervisorOf(plan: Plan): Supervisor {
    const parent = parentOf(plan)
    return parent === this.root.path ? this.root : (this.root.find(parent) as Supervisor)
  }

  /** Status by path, of all that a running supervisor has a spec of. */
  view(): Record<string, string> {
    const found: Record<string, string> = {}
    const walk = (children: ViewedChild[]): void => {
      for (const { path, status, children: below } of children) {
        found[path] = status
        if (status === 'running' && below) walk(below)
      }
    }
    walk(this.root.inspect().children as ViewedChild[])
    return found
  }

  starts(): Record<string, number> {
    return Object.fromEntries([...this.#leaves].map(([path, { starts }]) => [path, starts]))
  }

  #read(line: { actor: string; msg: string; level: number }): void {
    if (line.msg === 'restart budget spent')
      this.gaveUp.set(line.actor, (this.gaveUp.get(line.actor) ?? 0) + 1)
    else this.failures.push(line.msg)
  }
}

const parentOf = ({ path }: Plan): string => path.slice(0, path.lastIndexOf('/'))

interface ViewedChild {
  path: string
  status: string
  children?: ViewedChild[]
}

function compare(runtime: RuntimeTree, model: SupervisionModel): void {
  expect(runtime.failures).toEqual([])
  expect(runtime.events.splice(0), 'what happened').toEqual(model.events.splice(0))
  expect(Object.fromEntries(runtime.gaveUp), 'who gave up').toEqual(Object.fromEntries(model.gaveUp))
  const starts = runtime.starts()
  const expected = Object.fromEntries(Object.keys(starts).map((path) => [path, model.starts.get(path) ?? 0]))
  expect(starts, 'incarnations').toEqual(expected)
  if (!model.isUp) return
  const { [runtime.root.path]: _, ...children } = model.view()
  expect(runtime.view(), 'what runs').toEqual(children)
}

function sketch(plan: Plan): unknown {
  if (plan.kind === 'leaf') return `${plan.id} ${plan.restart}`
  const { intensity, periodMs } = plan.intensity
  const title = `${plan.id} ${plan.restart} ${plan.strategy} ${intensity}/${periodMs}`
  return { [title]: plan.children.map(sketch) }
}

import { BOUNDS } from '../runtime/config/bounds.ts'
import type { DrainPart, DrainStep } from './drain.ts'

/** What a subtree has to do in each step when its node stops. */
export interface Draining {
  quiesce: readonly DrainPart[]
  finish: readonly DrainPart[]
  release: readonly DrainPart[]
}

/**
 * The steps of a stop, in order. Before the first the node is unready; after the last its tree ends: consumers commit their
 * last offsets, connections are closed, the database and the log.
 */
export function drainSteps(subtrees: readonly Draining[]): DrainStep[] {
  const partsOf = (step: keyof Draining): DrainPart[] => subtrees.flatMap((subtree) => subtree[step])
  const { quiesceShare, finishShare, releaseShare } = BOUNDS.drain
  return [
    { name: 'take nothing new', endsAtShare: quiesceShare, parts: partsOf('quiesce') },
    { name: 'finish and commit what was begun', endsAtShare: finishShare, parts: partsOf('finish') },
    { name: 'hand back what was not begun', endsAtShare: releaseShare, parts: partsOf('release') },
  ]
}

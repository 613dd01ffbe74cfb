// What every step of the scenario is, and what one leaves for later ones.

import type { ChildRun } from './child-run.js'
import type { Scene } from './scene.js'

/** One step of the scenario. */
export interface Step {
  readonly title: string
  readonly play: (scene: Scene, story: Story) => Promise<void>
}

/** What a step leaves for later ones. */
export interface Story {
  /** The job's open psql. */
  job?: ChildRun
  /** What was held in its session, and the session. */
  reviewId?: string
  sessionId?: string
}

/** The psql that an earlier step opened. */
export function openJob({ job }: Story): ChildRun {
  if (job === undefined) throw new Error('there is no open psql from an earlier step')
  return job
}

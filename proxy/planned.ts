// Which step of an approved plan a command is. The order of the plan is the order of its steps; what
// policy lets pass anyway needs no release, and holds none up. Decides; uses nothing up.

import type { PlanStanding } from '../core/release.js'

/** A command as plans know it, and a way to judge the other steps at this moment. */
export interface PlannedCommand {
  /** SHA-256 (hex) of the command in the form in which steps are kept. */
  readonly digest: string
  /** True when policy lets the step with this text pass, here and now, without asking anybody. */
  readonly isAllowed: (text: string) => Promise<boolean>
}

/**
 * The step (counted from 0) that may be released now: the first one from `next` on that has the
 * command's digest, when everything between is allowed. Undefined when there is none; a step that people
 * have to agree to can't be left out.
 */
export async function stepOf(
  plan: PlanStanding,
  command: PlannedCommand,
): Promise<number | undefined> {
  const { steps, next } = plan
  const at = steps.findIndex((step, index) => index >= next && step.digest === command.digest)
  if (at === -1) return undefined
  for (const step of steps.slice(next, at)) {
    if (!(await command.isAllowed(step.text))) return undefined
  }
  return at
}

// What a break-glass grant leaves to do, and what its reviewer says of it. Values only; the rules stand
// in break-glass.ts.

import type { BreakGlassReview, Finding } from './inbox.js'
import { principalName, type Principal } from './principal.js'
import type { BreakGlass } from './verdict.js'

/** What a reviewer says of a break-glass grant that is over. */
export interface Closure {
  readonly finding: Finding
  readonly reviewer: Principal
  /** Approver groups he belonged to when he answered. */
  readonly memberOf: readonly string[]
  readonly reason: string
  /** Where it was said: `cli`, `web`, `slack`, `teams`. */
  readonly channel: string
  /** Epoch ms. */
  readonly at: number
}

/** What is kept of it. */
export interface BreakGlassState {
  readonly dueAt: number
  readonly isOverdue: boolean
  readonly closure?: Closure | undefined
}

/** The review as people see it. */
export function breakGlassReviewOf(
  { approvers, commands }: BreakGlass,
  { dueAt, isOverdue, closure }: BreakGlassState,
): BreakGlassReview {
  return {
    ...{ approvers, commands, dueAt, isOverdue },
    ...(closure !== undefined && {
      closure: {
        ...{ finding: closure.finding, by: principalName(closure.reviewer) },
        ...{ reason: closure.reason, channel: closure.channel, at: closure.at },
      },
    }),
  }
}

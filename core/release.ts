// Approvals that are used later than they are given: of a command that is run again once people have
// agreed (`wait: retry`), and of the steps of a plan. Pure; the store keeps them, and counts their use.

import type { GrantId, RequestId, ReviewId } from './ids.js'
import type { ReviewItem } from './inbox.js'
import type { PlanStep } from './plan.js'

/** Which command is meant: its retry digest (core/binding.ts) under one grant. */
export interface RetryKey {
  readonly grantId: GrantId
  readonly digest: string
}

/** What a review leaves for whoever sends the command again. */
export interface SettledRetry extends RetryKey {
  readonly reviewId: ReviewId
  /** `gone`: nobody decided, or it was withdrawn; the next time people are asked anew. */
  readonly state: 'approved' | 'denied' | 'gone'
  /** Epoch ms until which it counts. */
  readonly until: number
  readonly by: readonly string[]
  readonly reason: string
}

/** What stands about a command that comes again. */
export type RetryStanding =
  /** It was approved, and that approval is used up now. */
  | { readonly state: 'released'; readonly reviewId: ReviewId; readonly by: readonly string[] }
  | { readonly state: 'pending'; readonly reviewId: ReviewId }
  | {
      readonly state: 'denied'
      readonly reviewId: ReviewId
      readonly by: readonly string[]
      readonly reason: string
    }
  /** Nobody was asked, or what they said has lapsed or was used. */
  | { readonly state: 'none' }

/** A plan that people have approved, as it is kept with its grant. */
export interface ApprovedPlan {
  readonly grantId: GrantId
  readonly requestId: RequestId
  readonly digest: string
  /** Digest of the policy under which it was judged; under any other one nothing is released. */
  readonly policyDigest: string
  readonly steps: readonly Pick<PlanStep, 'text' | 'digest'>[]
}

/** How far a plan has come: steps before `next` (counted from 0) are used or passed over. */
export interface PlanStanding extends ApprovedPlan {
  readonly next: number
}

/**
 * What a review in retry mode leaves behind; undefined while it is pending. An approval counts for as
 * long as was asked for, from its last answer on; a denial for the rest of the time of the question.
 */
export function settledRetry(item: ReviewItem): SettledRetry | undefined {
  const { state, question, decisions, deadlineAt = 0 } = item
  if (state === 'pending') return undefined
  const key = { grantId: question.grantId, digest: question.digest, reviewId: item.id }
  if (state !== 'approved' && state !== 'denied') {
    return { ...key, state: 'gone', until: 0, by: [], reason: '' }
  }
  const decisive = decisions.filter(
    ({ answer }) => answer === (state === 'approved' ? 'approve' : 'deny'),
  )
  const last = decisive.at(-1)
  const until = state === 'approved' ? (last?.at ?? 0) + question.approval.timeoutMs : deadlineAt
  const by = decisive.map((decision) => decision.by)
  return { ...key, state, until, by, reason: last?.reason ?? '' }
}

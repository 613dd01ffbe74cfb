// What approvers and requesters look at: one item per access request and per held command.

import type { Grant } from './grant.js'
import type { RequestId, ReviewId } from './ids.js'
import type { AccessQuestion, ReviewQuestion } from './question.js'
import type { Approval, Reason } from './verdict.js'

/** An answer as people see it. */
export interface DecisionView {
  readonly answer: 'approve' | 'deny'
  readonly by: string
  readonly reason: string
  readonly channel: string
  readonly at: number
}

/** Where an access request stands. */
export type AccessState =
  | 'verifying'
  | 'pending'
  | 'active'
  | 'refused'
  | 'denied'
  | 'expired'
  | 'withdrawn'
  /** A break-glass grant that is over, and that nobody has reviewed yet. */
  | 'review-due'
  | 'ended'

/** Where a review stands. */
export type ReviewState = 'pending' | 'approved' | 'denied' | 'expired' | 'withdrawn'

interface ItemBase {
  /** Grows with every change; the newest wins, whatever order writes arrive in. */
  readonly revision: number
  readonly openedAt: number
  readonly approval?: Approval | undefined
  /** Epoch ms until which a decision counts. */
  readonly deadlineAt?: number | undefined
  /** The group that may answer as well, because nobody did in time; since when, in epoch ms. */
  readonly escalatedTo?: string | undefined
  readonly escalatedAt?: number | undefined
  readonly decisions: readonly DecisionView[]
}

/** What a reviewer found of a break-glass grant. */
export type Finding = 'justified' | 'unjustified'

/** The review that a break-glass grant leaves behind, as people see it. */
export interface BreakGlassReview {
  readonly approvers: string
  readonly commands: 'ask' | 'allow'
  /** Epoch ms until which it is to be closed. */
  readonly dueAt: number
  readonly isOverdue: boolean
  readonly closure?:
    | {
        readonly finding: Finding
        readonly by: string
        readonly reason: string
        readonly channel: string
        readonly at: number
      }
    | undefined
}

/** An access request as people see it. */
export interface AccessItem extends ItemBase {
  readonly kind: 'access'
  readonly id: RequestId
  readonly state: AccessState
  readonly question: AccessQuestion
  readonly reasons: readonly Reason[]
  readonly grant?: Grant | undefined
  /** Set once a break-glass grant was opened. */
  readonly breakGlass?: BreakGlassReview | undefined
}

/** A held command as people see it. */
export interface ReviewItem extends ItemBase {
  readonly kind: 'review'
  readonly id: ReviewId
  readonly state: ReviewState
  readonly question: ReviewQuestion
}

/** Anything that waits or waited for a person. */
export type InboxItem = AccessItem | ReviewItem

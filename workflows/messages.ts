// What may be said to a running workflow, and what it answers. An update whose caller comes too
// late or is the wrong person is rejected by its validator with one of our codes as failure type.

import { defineSignal, defineUpdate } from '@temporalio/workflow'
import type { AccessRequest } from '../core/access-standing.js'
import type { AuditEvent } from '../core/audit.js'
import type { Closure } from '../core/closure.js'
import type { CommandReview } from '../core/command-review.js'
import type { Decision } from '../core/decision.js'
import type { Outcome, Refusal } from '../core/errors.js'
import type { Grant } from '../core/grant.js'
import type { AccessState } from '../core/inbox.js'
import type { AccessQuestion, ReviewOutcome, ReviewQuestion } from '../core/question.js'
import type { Tally } from '../core/quorum.js'
import type { Approval } from '../core/verdict.js'

/** The name that both workflows run under in Temporal. */
export const WORKFLOW_TYPES = { access: 'accessRequest', review: 'commandReview' } as const

/** Input of `accessRequest`; `resumed` carries everything over a continue-as-new. */
export interface AccessInput {
  readonly question: AccessQuestion
  readonly resumed?: ResumedAccess | undefined
}

/** What an access request takes along into its next run. */
export interface ResumedAccess {
  readonly request: AccessRequest
  readonly recordedRevision: number
  /** Facts that are not in the log yet. */
  readonly facts: readonly AuditEvent[]
  readonly waiters: readonly string[]
  readonly idleDueAt?: number | undefined
}

/** Input of `commandReview`; `resumed` carries everything over a continue-as-new. */
export interface ReviewInput {
  readonly question: ReviewQuestion
  readonly resumed?: ResumedReview | undefined
}

/** What a review takes along into its next run. */
export interface ResumedReview {
  readonly review: CommandReview
  readonly recordedRevision: number
  readonly facts: readonly AuditEvent[]
}

/** How an access request ended, for callers that come afterwards. */
export interface AccessResult {
  readonly state: AccessState
  readonly refusal: Refusal
}

/** Who wants to use a request: it must be the same wish of the same principal. */
export interface Join {
  /** The process that waits; told back with `left`. */
  readonly waiter: string
  readonly principalKey: string
  readonly resource: string
  readonly role: string
}

/** `again`: the workflow moves to a new run; ask the same thing once more. */
export type Standing =
  | { readonly state: 'pending'; readonly approval: Approval }
  | { readonly state: 'active'; readonly grant: Grant }
  | { readonly state: 'over'; readonly refusal: Refusal }
  | { readonly state: 'again' }

/** The outcome of a review, or `again` when it moves to a new run. */
export type Asked = ReviewOutcome | { readonly state: 'again' }

/** Answers as soon as the request is judged: a caller learns quickly that people were asked. */
export const standing = defineUpdate<Standing, [Join]>('standing')
/** Answers when the grant is open, or when there will be none. */
export const openSession = defineUpdate<Standing, [Join]>('openSession')
/** One approver's answer, about access or about a command. */
export const decide = defineUpdate<Outcome<Tally>, [Decision]>('decide')
/** What somebody found who looked at a break-glass grant that is over. */
export const review = defineUpdate<Outcome<null>, [Closure]>('review')
/** A later end, by so many ms, on behalf of somebody. */
export const extend = defineUpdate<Outcome<{ expiresAt: number }>, [number, string]>('extend')
/** The job is done; answers when the row is closed. */
export const complete = defineUpdate<Outcome<null>>('complete')
/** The asker takes it back, and says why. */
export const withdraw = defineUpdate<Outcome<null>, [string]>('withdraw')
/** Answers when the review with this digest is on record, where people see it. */
export const opened = defineUpdate<null, [string]>('opened')
/** Parks until the review with this digest is over. */
export const ask = defineUpdate<Asked, [string]>('ask')

/** Somebody ended the row in the store. */
export const ended = defineSignal('ended')
/** The last connection on some gateway closed. */
export const idle = defineSignal('idle')
/** This process no longer waits for the request. */
export const left = defineSignal<[string]>('left')
/** Whoever held the command with this digest does so no more, and why. */
export const abandoned = defineSignal<[string, string]>('abandoned')

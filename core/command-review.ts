// The life of one held command as a pure reducer: pending → approved, denied, expired or
// withdrawn. No clock, no I/O. Nothing leads back, and only `approved` lets the command through.

import { escalationOf, viewOf } from './access-standing.js'
import type { AuditEvent } from './audit.js'
import type { Decision } from './decision.js'
import type { Refusal } from './errors.js'
import type { ReviewItem, ReviewState } from './inbox.js'
import { principalChain, principalName } from './principal.js'
import type { ReviewOutcome, ReviewQuestion } from './question.js'
import { mayDecide, tally } from './quorum.js'

/** Everything that a review is, small enough to be carried whole from run to run. */
export interface CommandReview {
  readonly question: ReviewQuestion
  readonly state: ReviewState
  /** Grows with every change. */
  readonly revision: number
  /** Epoch ms. */
  readonly openedAt: number
  /** Epoch ms until which a decision counts. */
  readonly deadlineAt: number
  /** Since when the group to escalate to is asked as well, in epoch ms. */
  readonly escalatedAt?: number | undefined
  /** Answers that counted, each of a different person. */
  readonly decisions: readonly Decision[]
  /** Why it ended, for the caller. */
  readonly reason: string
}

/** What can happen to a review. Every `at` is epoch ms of the workflow. */
export type ReviewEvent =
  | { readonly type: 'decided'; readonly decision: Decision; readonly at: number }
  | { readonly type: 'deadline'; readonly at: number }
  /** Nobody, or not enough of them, answered for a while: more people are asked. */
  | { readonly type: 'escalated'; readonly at: number }
  | { readonly type: 'withdrawn'; readonly why: string }

/** The outcome of one event. On a refusal the review is the same object as before. */
export interface ReviewStep {
  readonly review: CommandReview
  readonly facts: readonly AuditEvent[]
  readonly refusal?: Refusal | undefined
}

/** A new review, with the fact of its making. */
export function openReview(question: ReviewQuestion, at: number): ReviewStep {
  const deadlineAt = at + question.approval.timeoutMs
  const { principal, parts, approval } = question
  const fact: AuditEvent<'review.opened'> = {
    kind: 'review.opened',
    fields: {
      ...{ grantId: question.grantId, sessionId: question.sessionId },
      ...{ requestId: question.requestId, reviewId: question.reviewId },
      ...{ text: question.text, textBytes: question.textBytes, digest: question.digest },
      effect: question.effect,
      kinds: parts.map((part) => part.kind),
      relations: parts.flatMap((part) => part.relations.map((use) => use.relation)),
      parameters: question.parameters,
      approvers: approval.approvers,
      quorum: approval.quorum,
      deadlineAt,
      policyDigest: question.policyDigest,
    },
  }
  return {
    review: {
      ...{ question, state: 'pending', revision: 1, openedAt: at, deadlineAt, decisions: [] },
      reason: `asked by ${principalChain(principal)}`,
    },
    facts: [fact],
  }
}

/** Applies one event. What comes too late, twice, or from the wrong person changes nothing. */
export function reviewTransition(review: CommandReview, event: ReviewEvent): ReviewStep {
  switch (event.type) {
    case 'decided':
      return decided(review, event.decision, event.at)
    case 'deadline':
      if (review.state !== 'pending' || event.at < review.deadlineAt) return { review, facts: [] }
      return over(review, 'expired', 'nobody decided in time', [])
    case 'escalated':
      return escalated(review, event.at)
    case 'withdrawn':
      if (review.state !== 'pending') return tooLate(review, review.state)
      return over(review, 'withdrawn', event.why, [])
  }
}

/**
 * Whether somebody who holds this digest may learn the outcome: a decision is about these bytes
 * only, so any other digest is refused with `INVALID_ARGUMENT`.
 */
export const digestRefusal = (review: CommandReview, digest: string): Refusal | undefined =>
  digest === review.question.digest
    ? undefined
    : {
        code: 'INVALID_ARGUMENT',
        details: { what: 'The command', why: 'it is not the one under review' },
      }

/** The outcome, once there is one. */
export function outcomeOf(review: CommandReview): ReviewOutcome | undefined {
  if (review.state === 'pending') return undefined
  const decisive = review.state === 'denied' ? 'deny' : 'approve'
  return {
    state: review.state,
    digest: review.question.digest,
    by: review.decisions
      .filter((decision) => decision.answer === decisive)
      .map((decision) => principalName(decision.approver)),
    reason: review.reason,
  }
}

/** The review as people see it. */
export const reviewItemOf = (review: CommandReview): ReviewItem => ({
  kind: 'review',
  id: review.question.reviewId,
  state: review.state,
  revision: review.revision,
  openedAt: review.openedAt,
  approval: review.question.approval,
  deadlineAt: review.deadlineAt,
  ...escalationOf(review.question.approval, review.escalatedAt),
  decisions: review.decisions.map(viewOf),
  question: review.question,
})

const tooLate = (review: CommandReview, why: string): ReviewStep => ({
  review,
  facts: [],
  refusal: { code: 'ALREADY_DECIDED', details: { what: review.question.reviewId, why } },
})

const change = (review: CommandReview, fields: Partial<CommandReview>): CommandReview => ({
  ...review,
  ...fields,
  revision: review.revision + 1,
})

function over(
  review: CommandReview,
  state: Exclude<ReviewState, 'pending'>,
  reason: string,
  facts: readonly AuditEvent[],
): ReviewStep {
  const { reviewId, requestId, sessionId } = review.question
  return {
    review: change(review, { state, reason }),
    facts: [...facts, { kind: 'review.ended', fields: { reviewId, requestId, sessionId, state } }],
  }
}

/** When more people are asked, in epoch ms; never for a review that can't escalate, or has. */
export function escalatesAt({ question, openedAt, escalatedAt }: CommandReview): number {
  const { escalation } = question.approval
  return escalation === undefined || escalatedAt !== undefined
    ? Infinity
    : openedAt + escalation.afterMs
}

function escalated(review: CommandReview, at: number): ReviewStep {
  const { escalation } = review.question.approval
  const isDue = at >= escalatesAt(review) && at < review.deadlineAt
  if (review.state !== 'pending' || escalation === undefined || !isDue) return { review, facts: [] }
  const { reviewId, requestId, sessionId } = review.question
  return {
    review: change(review, { escalatedAt: at }),
    facts: [
      {
        kind: 'review.escalated',
        fields: { reviewId, requestId, sessionId, approvers: escalation.to },
      },
    ],
  }
}

function decided(review: CommandReview, answer: Decision, at: number): ReviewStep {
  const { question } = review
  const isEscalated = review.escalatedAt !== undefined
  const entitled = mayDecide(question.approval, question.principal, answer, isEscalated)
  if (!entitled.ok) return { review, facts: [], refusal: entitled.refusal }
  if (review.state !== 'pending') return tooLate(review, review.state)
  if (at >= review.deadlineAt) return tooLate(review, 'expired')
  // The workflow is the only clock: what the sender says about time is not taken over.
  const decision: Decision = { ...answer, at }
  const { approval, principal } = question
  const counted = tally(approval, principal, review.decisions, decision, isEscalated)
  if (!counted.ok) return { review, facts: [], refusal: counted.refusal }
  const { reviewId, requestId, sessionId, digest } = question
  const by = principalName(decision.approver)
  const fact: AuditEvent<'review.decided'> = {
    kind: 'review.decided',
    fields: {
      ...{ reviewId, requestId, sessionId, answer: decision.answer, by, digest },
      channel: decision.channel,
      reason: decision.reason,
    },
  }
  const next: CommandReview = { ...review, decisions: [...review.decisions, decision] }
  if (counted.value === 'pending') return { review: change(next, {}), facts: [fact] }
  return over(next, counted.value, decision.reason, [fact])
}

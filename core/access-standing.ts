// What an access request is at one moment, and how it looks to people and to callers. Pure.

import type { AuditEvent } from './audit.js'
import { breakGlassReviewOf, type BreakGlassState } from './closure.js'
import type { Decision } from './decision.js'
import type { Refusal } from './errors.js'
import type { Grant } from './grant.js'
import type { AccessItem, AccessState, DecisionView } from './inbox.js'
import { principalName } from './principal.js'
import type { AccessQuestion } from './question.js'
import type { AccessVerdict, Approval } from './verdict.js'

/**
 * Where a request stands. `opening` is decided but its row is not stored yet, `ending` is over but
 * its row is not closed yet; people see both as `active`.
 */
export type AccessPhase = AccessState | 'opening' | 'ending'

/** Everything that a request is, small enough to be carried whole from run to run. */
export interface AccessRequest {
  readonly question: AccessQuestion
  readonly phase: AccessPhase
  /** Grows with every change. */
  readonly revision: number
  /** Epoch ms when the request was made. */
  readonly openedAt: number
  readonly policyDigest?: string | undefined
  readonly verdict?: AccessVerdict | undefined
  readonly deadlineAt?: number | undefined
  /** When the group to escalate to is asked as well; and since when it is. Epoch ms. */
  readonly escalatesAt?: number | undefined
  readonly escalatedAt?: number | undefined
  /** Answers that counted, each of a different person. */
  readonly decisions: readonly Decision[]
  readonly grant?: Grant | undefined
  /** The review that a break-glass grant leaves behind. */
  readonly breakGlass?: BreakGlassState | undefined
  /** What a waiting caller is told once the request is over. */
  readonly refusal?: Refusal | undefined
}

/** The outcome of one event. On a refusal the request is the same object as before. */
export interface AccessStep {
  readonly request: AccessRequest
  readonly facts: readonly AuditEvent[]
  readonly refusal?: Refusal | undefined
}

/** True when nothing can happen to the request any more. */
export const isOver = ({ phase }: AccessRequest): boolean =>
  phase === 'refused' ||
  phase === 'denied' ||
  phase === 'expired' ||
  phase === 'withdrawn' ||
  phase === 'ended'

/** True when it gives nobody access any more, even if a review of it is still owed. */
export const isSpent = (request: AccessRequest): boolean =>
  isOver(request) || request.phase === 'review-due'

/** The request as people see it. */
export function itemOf(request: AccessRequest): AccessItem {
  const { question, phase, verdict } = request
  const terms = verdict?.outcome === 'allow' ? verdict.breakGlass : undefined
  return {
    kind: 'access',
    id: question.requestId,
    state: phase === 'opening' || phase === 'ending' ? 'active' : phase,
    revision: request.revision,
    openedAt: request.openedAt,
    approval: verdict?.outcome === 'ask' ? verdict.approval : undefined,
    deadlineAt: request.deadlineAt,
    ...escalationOf(verdict?.outcome === 'ask' ? verdict.approval : undefined, request.escalatedAt),
    decisions: request.decisions.map(viewOf),
    question,
    reasons: verdict?.reasons ?? [],
    grant: request.grant,
    breakGlass:
      terms === undefined || request.breakGlass === undefined
        ? undefined
        : breakGlassReviewOf(terms, request.breakGlass),
  }
}

/** To whom and when a question was escalated; nothing when it was not. */
export const escalationOf = (
  approval: Approval | undefined,
  escalatedAt: number | undefined,
): { readonly escalatedTo?: string; readonly escalatedAt?: number } =>
  approval?.escalation === undefined || escalatedAt === undefined
    ? {}
    : { escalatedTo: approval.escalation.to, escalatedAt }

/** A counted answer as people see it. */
export const viewOf = ({ answer, approver, reason, channel, at }: Decision): DecisionView => ({
  answer,
  by: principalName(approver),
  reason,
  channel,
  at,
})

/**
 * The end that an extension by `byMs` would give, never past the rule's maximum. Undefined when the
 * grant is not active; a refusal when it can't get longer or `byMs` is no positive whole number.
 */
export function extensionOf(
  request: AccessRequest,
  byMs: number,
): { readonly expiresAt: number } | { readonly refusal: Refusal } {
  const { grant, verdict } = request
  if (request.phase !== 'active' || grant === undefined) return { refusal: refusalOf(request) }
  if (!Number.isSafeInteger(byMs) || byMs <= 0) {
    return { refusal: { code: 'INVALID_ARGUMENT', details: { what: 'The extension' } } }
  }
  const longest = verdict === undefined || verdict.outcome === 'block' ? 0 : verdict.durationMsMax
  const windowEnd = verdict?.outcome === 'block' ? undefined : verdict?.endsAt
  const latest = Math.min(grant.openedAt + longest, windowEnd ?? Infinity)
  const expiresAt = Math.min(grant.expiresAt + byMs, latest)
  if (expiresAt <= grant.expiresAt) {
    const why = 'the policy allows this grant no longer time'
    return { refusal: { code: 'LIMIT_EXCEEDED', details: { why, id: grant.requestId } } }
  }
  return { expiresAt }
}

/** What a caller that wants to use the request is told when it can't. */
export function refusalOf(request: AccessRequest): Refusal {
  const { question, phase, grant } = request
  const details = { what: question.resource, id: question.requestId }
  if (request.refusal !== undefined) return request.refusal
  if (phase === 'ending' || phase === 'review-due' || phase === 'ended') {
    if (grant?.end?.reason !== 'revoked') return { code: 'GRANT_EXPIRED', details }
    return { code: 'GRANT_REVOKED', details: { ...details, why: `by ${grant.end.by}` } }
  }
  return { code: 'ACCESS_REQUIRED', details }
}

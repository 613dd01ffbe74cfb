// The life of an access request as a pure reducer: verifying → pending → opening → active →
// ending → ended, or review-due → ended after a break-glass. No clock, no I/O: time comes in with each event, facts for the log come out.

import { itemOf, type AccessRequest, type AccessStep } from './access-standing.js'
import type { AuditEvent } from './audit.js'
import { breakGlassOf, brokenGlass, overdue, reviewed } from './break-glass.js'
import type { Closure } from './closure.js'
import type { Decision } from './decision.js'
import type { Refusal } from './errors.js'
import type { Grant, GrantEnd } from './grant.js'
import { grantIdOf } from './ids.js'
import type { AccessState } from './inbox.js'
import { principalChain, principalName } from './principal.js'
import type { AccessQuestion } from './question.js'
import { mayDecide, tally } from './quorum.js'
import type { AccessVerdict, Reason } from './verdict.js'

/** What can happen to a request. Every `at` is epoch ms of the workflow. */
export type AccessEvent =
  | { readonly type: 'rejected'; readonly refusal: Refusal }
  | {
      readonly type: 'judged'
      readonly verdict: AccessVerdict
      readonly policyDigest: string
      readonly at: number
    }
  | { readonly type: 'decided'; readonly decision: Decision; readonly at: number }
  | { readonly type: 'deadline'; readonly at: number }
  /** Nobody, or not enough of them, answered for a while: more people are asked. */
  | { readonly type: 'escalated'; readonly at: number }
  | { readonly type: 'withdrawn'; readonly why: string; readonly at: number }
  /** The row is stored; somebody may have ended it already. */
  | { readonly type: 'opened'; readonly row: Grant }
  /** The row got a later end. */
  | { readonly type: 'extended'; readonly row: Grant; readonly by: string }
  /** The grant is to end; `expired` counts only once its time has come. */
  | {
      readonly type: 'ending'
      readonly reason: GrantEnd
      readonly by: string
      readonly at: number
    }
  /** The row is closed; its own end is the one that stays. */
  | { readonly type: 'closed'; readonly end: NonNullable<Grant['end']> }
  /** The time for the review of a break-glass grant is over. */
  | { readonly type: 'overdue'; readonly at: number }
  | { readonly type: 'reviewed'; readonly closure: Closure; readonly at: number }

/** A new request, with the fact of its making. */
export function openAccessRequest(question: AccessQuestion, at: number): AccessStep {
  const { principal } = question
  const fact: AuditEvent<'request.opened'> = {
    kind: 'request.opened',
    fields: {
      ...subjectOf(question),
      principal: principalName(principal),
      chain: principalChain(principal),
      parties: principal.parties,
      origin: question.origin,
      reason: question.reason,
      peer: question.peer,
    },
  }
  return {
    request: { question, phase: 'verifying', revision: 1, openedAt: at, decisions: [] },
    facts: [fact],
  }
}

/** Applies one event. What comes too late, twice, or from the wrong person changes nothing. */
export function transition(request: AccessRequest, event: AccessEvent): AccessStep {
  switch (event.type) {
    case 'rejected':
      return reject(request, event.refusal)
    case 'judged':
      return judged(request, event)
    case 'decided':
      return decided(request, event.decision, event.at)
    case 'deadline':
      return deadline(request, event.at)
    case 'escalated':
      return escalated(request, event.at)
    case 'withdrawn':
      return withdrawn(request, event.why, event.at)
    case 'opened':
      return opened(request, event.row)
    case 'extended':
      return extended(request, event.row, event.by)
    case 'ending':
      return ending(request, event)
    case 'closed':
      return closed(request, event.end)
    case 'overdue':
      return overdue(request, event.at)
    case 'reviewed':
      return reviewed(request, event.closure, event.at)
  }
}

const subjectOf = ({ requestId, resource, role }: AccessQuestion) => ({
  requestId,
  resource,
  role,
})

const unchanged = (request: AccessRequest): AccessStep => ({ request, facts: [] })

const no = (
  request: AccessRequest,
  code: Refusal['code'],
  details: Refusal['details'],
): AccessStep => ({ request, facts: [], refusal: { code, details } })

const change = (request: AccessRequest, fields: Partial<AccessRequest>): AccessRequest => ({
  ...request,
  ...fields,
  revision: request.revision + 1,
})

function endedFact(
  question: AccessQuestion,
  state: AccessState,
  by: string,
  reason = '',
): AuditEvent<'request.ended'> {
  return { kind: 'request.ended', fields: { ...subjectOf(question), state, by, reason } }
}

function reject(request: AccessRequest, refusal: Refusal): AccessStep {
  if (request.phase !== 'verifying') return unchanged(request)
  return {
    request: change(request, { phase: 'refused', refusal }),
    facts: [endedFact(request.question, 'refused', 'verification', refusal.code)],
  }
}

function judged(
  request: AccessRequest,
  { verdict, policyDigest, at }: Extract<AccessEvent, { type: 'judged' }>,
): AccessStep {
  if (request.phase !== 'verifying') return unchanged(request)
  const { question } = request
  const fact: AuditEvent<'request.judged'> = {
    kind: 'request.judged',
    fields: {
      ...subjectOf(question),
      outcome: verdict.outcome,
      reasons: verdict.reasons.map((reason) => reason.text),
      policyDigest,
      ...(verdict.outcome === 'ask' && {
        approvers: verdict.approval.approvers,
        quorum: verdict.approval.quorum,
      }),
    },
  }
  if (verdict.outcome === 'block') {
    const refusal = blockedRefusal(question, verdict.reasons)
    return {
      request: change(request, { phase: 'refused', verdict, policyDigest, refusal }),
      facts: [fact, endedFact(question, 'refused', 'policy')],
    }
  }
  if (verdict.outcome === 'ask') {
    const { timeoutMs, escalation } = verdict.approval
    const deadlineAt = Math.min(at + timeoutMs, verdict.endsAt ?? Infinity)
    const escalatesAt = escalation === undefined ? undefined : at + escalation.afterMs
    return {
      request: change(request, {
        phase: 'pending',
        verdict,
        policyDigest,
        deadlineAt,
        escalatesAt,
      }),
      facts: [fact],
    }
  }
  return opening({ ...request, verdict, policyDigest }, at, [fact])
}

/** A reason that is missing is asked for; connecting has no place where it could be given. */
function blockedRefusal(
  { resource, requestId, origin }: AccessQuestion,
  reasons: readonly Reason[],
): Refusal {
  const why = reasons.map((reason) => reason.text).join('; ')
  const details = { what: resource, id: requestId, ...(why && { why }) }
  if (!reasons.some(({ code }) => code === 'reason-missing')) return { code: 'FORBIDDEN', details }
  if (origin !== 'connect') return { code: 'REASON_REQUIRED', details }
  const hint = `${why}, and connecting has no place for one; use \`warder exec --reason TEXT\``
  return { code: 'ACCESS_REQUIRED', details: { ...details, why: hint } }
}

/** Everybody who had to agree has: the grant is fixed here and stored by the workflow. */
function opening(request: AccessRequest, at: number, facts: readonly AuditEvent[]): AccessStep {
  const { question, verdict, policyDigest = '' } = request
  if (verdict === undefined || verdict.outcome === 'block') return unchanged(request)
  const { requestId, principal, principalKey, resource, role, origin, reason } = question
  const longest = at + Math.min(verdict.durationMs, verdict.durationMsMax)
  const expiresAt = Math.min(longest, verdict.endsAt ?? Infinity)
  // Its window closed while it was being judged.
  if (expiresAt <= at) return expired(request, facts)
  const terms = breakGlassOf(request)
  const grant: Grant = {
    ...{ id: grantIdOf(requestId), requestId, principal, principalKey, resource, role, origin },
    ...{ reason, policyDigest, openedAt: at, expiresAt, epoch: 1 },
    ...(terms !== undefined && { breakGlass: terms.commands }),
  }
  const fact: AuditEvent<'grant.opened'> = {
    kind: 'grant.opened',
    fields: {
      ...subjectOf(question),
      principal: principalName(principal),
      chain: principalChain(principal),
      parties: principal.parties,
      grantId: grant.id,
      expiresAt,
      ...(question.plan !== undefined && {
        plan: question.plan.digest,
        planSteps: question.plan.steps.length,
      }),
    },
  }
  if (terms === undefined)
    return { request: change(request, { phase: 'opening', grant }), facts: [...facts, fact] }
  const broken = brokenGlass(request, grant, terms)
  return {
    request: change(request, { phase: 'opening', grant, breakGlass: broken.state }),
    facts: [...facts, fact, broken.fact],
  }
}

function decided(request: AccessRequest, answer: Decision, at: number): AccessStep {
  const { question, verdict } = request
  if (verdict?.outcome !== 'ask') {
    return no(request, 'NOT_FOUND', { what: `question to decide under ${question.requestId}` })
  }
  const isEscalated = request.escalatedAt !== undefined
  const entitled = mayDecide(verdict.approval, question.principal, answer, isEscalated)
  if (!entitled.ok) return { request, facts: [], refusal: entitled.refusal }
  const late = request.deadlineAt !== undefined && at >= request.deadlineAt
  if (request.phase !== 'pending' || late) {
    const why = late && request.phase === 'pending' ? 'expired' : itemOf(request).state
    return no(request, 'ALREADY_DECIDED', { what: question.requestId, why })
  }
  // The workflow is the only clock: what the sender says about time is not taken over.
  const decision: Decision = { ...answer, at }
  const { approval } = verdict
  const counted = tally(approval, question.principal, request.decisions, decision, isEscalated)
  if (!counted.ok) return { request, facts: [], refusal: counted.refusal }
  const by = principalName(decision.approver)
  const fact: AuditEvent<'request.decided'> = {
    kind: 'request.decided',
    fields: {
      ...subjectOf(question),
      answer: decision.answer,
      by,
      channel: decision.channel,
      reason: decision.reason,
    },
  }
  const decisions = [...request.decisions, decision]
  if (counted.value === 'pending') {
    return { request: change(request, { decisions }), facts: [fact] }
  }
  if (counted.value === 'approved') return opening({ ...request, decisions }, at, [fact])
  const why = decision.reason === '' ? `by ${by}` : `by ${by}: ${decision.reason}`
  const details = { what: question.resource, id: question.requestId, why }
  return {
    request: change(request, {
      phase: 'denied',
      decisions,
      refusal: { code: 'REQUEST_DENIED', details },
    }),
    facts: [fact, endedFact(question, 'denied', by, decision.reason)],
  }
}

function deadline(request: AccessRequest, at: number): AccessStep {
  const { deadlineAt } = request
  if (request.phase !== 'pending' || deadlineAt === undefined || at < deadlineAt) {
    return unchanged(request)
  }
  return expired(request, [])
}

function expired(request: AccessRequest, facts: readonly AuditEvent[]): AccessStep {
  const { question } = request
  const details = { what: question.resource, id: question.requestId }
  return {
    request: change(request, { phase: 'expired', refusal: { code: 'REQUEST_EXPIRED', details } }),
    facts: [...facts, endedFact(question, 'expired', 'time')],
  }
}

function escalated(request: AccessRequest, at: number): AccessStep {
  const { question, verdict, phase, escalatesAt, deadlineAt = at } = request
  const escalation = verdict?.outcome === 'ask' ? verdict.approval.escalation : undefined
  const isDue = escalatesAt !== undefined && at >= escalatesAt && at < deadlineAt
  if (phase !== 'pending' || escalation === undefined || !isDue) return unchanged(request)
  return {
    request: change(request, { escalatesAt: undefined, escalatedAt: at }),
    facts: [
      { kind: 'request.escalated', fields: { ...subjectOf(question), approvers: escalation.to } },
    ],
  }
}

function withdrawn(request: AccessRequest, why: string, at: number): AccessStep {
  const { question, phase } = request
  if (phase === 'opening') {
    // Agreed to a moment ago and not stored yet: it may still be taken back, as a revoke.
    return ending(request, { type: 'ending', reason: 'revoked', by: why, at })
  }
  if (phase !== 'verifying' && phase !== 'pending') {
    const state = itemOf(request).state
    return no(request, 'ALREADY_DECIDED', { what: question.requestId, why: state })
  }
  const details = { what: question.resource, id: question.requestId, why }
  return {
    request: change(request, {
      phase: 'withdrawn',
      refusal: { code: 'REQUEST_WITHDRAWN', details },
    }),
    facts: [endedFact(question, 'withdrawn', 'requester', why)],
  }
}

function opened(request: AccessRequest, row: Grant): AccessStep {
  if (request.phase !== 'opening') return unchanged(request)
  const phase = row.end === undefined ? 'active' : 'ending'
  return { request: change(request, { phase, grant: row }), facts: [] }
}

function extended(request: AccessRequest, row: Grant, by: string): AccessStep {
  if (request.phase !== 'active' || row.end !== undefined) return unchanged(request)
  return {
    request: change(request, { grant: row }),
    facts: [
      {
        kind: 'grant.extended',
        fields: { grantId: row.id, requestId: row.requestId, expiresAt: row.expiresAt, by },
      },
    ],
  }
}

function ending(
  request: AccessRequest,
  { reason, by, at }: Extract<AccessEvent, { type: 'ending' }>,
): AccessStep {
  const { phase, grant } = request
  if ((phase !== 'active' && phase !== 'opening') || grant === undefined) {
    const id = request.question.requestId
    return no(request, 'ALREADY_DECIDED', { what: id, why: itemOf(request).state })
  }
  if (reason === 'expired' && at < grant.expiresAt) return unchanged(request)
  const end = { reason, by, at }
  return { request: change(request, { phase: 'ending', grant: { ...grant, end } }), facts: [] }
}

function closed(request: AccessRequest, end: NonNullable<Grant['end']>): AccessStep {
  const { phase, grant, question } = request
  if (phase !== 'ending' || grant === undefined) return unchanged(request)
  const fields = { grantId: grant.id, requestId: grant.requestId, end: end.reason, by: end.by }
  const fact: AuditEvent<'grant.ended'> = { kind: 'grant.ended', fields }
  const ended = { ...grant, end }
  if (request.breakGlass !== undefined)
    return { request: change(request, { phase: 'review-due', grant: ended }), facts: [fact] }
  return {
    request: change(request, { phase: 'ended', grant: ended }),
    facts: [fact, endedFact(question, 'ended', end.by)],
  }
}

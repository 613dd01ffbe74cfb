// A grant that was opened in an emergency, and the review it leaves behind, as part of the life of an
// access request. Pure: no clock, no I/O.

import type { AccessRequest, AccessStep } from './access-standing.js'
import type { AuditEvent } from './audit.js'
import type { BreakGlassState, Closure } from './closure.js'
import { granted, type Outcome, type Refusal } from './errors.js'
import type { Grant } from './grant.js'
import { principalChain, principalName, type Principal } from './principal.js'
import { mayDecide } from './quorum.js'
import type { BreakGlass } from './verdict.js'

/** The terms under which the request was opened in an emergency; undefined when it was not. */
export const breakGlassOf = ({ verdict }: AccessRequest): BreakGlass | undefined =>
  verdict?.outcome === 'allow' ? verdict.breakGlass : undefined

/** The review that is now owed, and the loud fact of it. */
export function brokenGlass(
  request: AccessRequest,
  grant: Grant,
  terms: BreakGlass,
): { readonly state: BreakGlassState; readonly fact: AuditEvent<'grant.break-glass'> } {
  const { question } = request
  const { principal, requestId, resource, role, reason } = question
  const dueAt = grant.openedAt + terms.withinMs
  const who = { principal: principalName(principal), chain: principalChain(principal) }
  return {
    state: { dueAt, isOverdue: false },
    fact: {
      kind: 'grant.break-glass',
      fields: {
        ...{ ...who, parties: principal.parties, requestId, resource, role, reason },
        ...{ grantId: grant.id, approvers: terms.approvers, commands: terms.commands, dueAt },
      },
    },
  }
}

/** Once the time for the review is over, and nobody has closed it. */
export function overdue(request: AccessRequest, at: number): AccessStep {
  const { breakGlass, question } = request
  const terms = breakGlassOf(request)
  const isLate = breakGlass?.isOverdue === false && at >= breakGlass.dueAt
  if (request.phase !== 'review-due' || terms === undefined || !isLate)
    return { request, facts: [] }
  const { requestId, resource, role } = question
  const { approvers } = terms
  return {
    request: {
      ...{ ...request, revision: request.revision + 1 },
      breakGlass: { ...breakGlass, isOverdue: true },
    },
    facts: [
      {
        kind: 'break-glass.overdue',
        fields: { requestId, resource, role, approvers, dueAt: breakGlass.dueAt },
      },
    ],
  }
}

/** Closes the review; the request is over then. */
export function reviewed(request: AccessRequest, answer: Closure, at: number): AccessStep {
  const { question, breakGlass } = request
  const refusal = closureRefusal(request, answer)
  if (refusal !== undefined || breakGlass === undefined) return { request, facts: [], refusal }
  const { requestId, resource, role } = question
  const { finding, channel, reason } = answer
  const by = principalName(answer.reviewer)
  const about = { requestId, resource, role }
  return {
    request: {
      ...{ ...request, phase: 'ended', revision: request.revision + 1 },
      // The workflow is the only clock: what the sender says about time is not taken over.
      breakGlass: { ...breakGlass, closure: { ...answer, at } },
    },
    facts: [
      { kind: 'break-glass.closed', fields: { ...about, finding, by, channel, reason } },
      { kind: 'request.ended', fields: { ...about, state: 'ended', by, reason: finding } },
    ],
  }
}

/** Why this person may not close it, or why nobody can now. */
function closureRefusal(request: AccessRequest, closure: Closure): Refusal | undefined {
  const { question, phase } = request
  const terms = breakGlassOf(request)
  const { requestId } = question
  if (terms === undefined || request.breakGlass === undefined) {
    return { code: 'NOT_FOUND', details: { what: `review to close under ${requestId}` } }
  }
  const entitled = mayClose(terms, question.principal, closure)
  if (!entitled.ok) return entitled.refusal
  if (phase === 'review-due') return undefined
  return phase === 'ended'
    ? { code: 'ALREADY_DECIDED', details: { what: `The review of ${requestId}` } }
    : {
        code: 'INVALID_ARGUMENT',
        details: { what: 'The review', why: 'the grant still runs; `warder revoke` ends it now' },
      }
}

/** As for any decision: a member of the group, no party of the job, and not without a reason. */
function mayClose(terms: BreakGlass, requester: Principal, closure: Closure): Outcome<null> {
  const { reviewer, memberOf, reason, channel, at } = closure
  const entitled = mayDecide(
    { approvers: terms.approvers, quorum: 1, timeoutMs: terms.withinMs, reasonRequired: true },
    requester,
    { answer: 'approve', approver: reviewer, memberOf, reason, channel, at },
  )
  return entitled.ok ? granted(null) : entitled
}

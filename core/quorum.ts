// Whose answer counts, and when enough people have answered. One rule for access requests and
// command reviews; pure, no clock.

import type { Decision } from './decision.js'
import { granted, refused, type Outcome } from './errors.js'
import { isPartyTo, principalName, type Principal } from './principal.js'
import type { Approval } from './verdict.js'

/** Longest reason that an approver may give, in UTF-16 units: it is shown on cards and kept. */
export const decisionReasonLengthMax = 2_000

/** What a counted answer means for the question it was given to. */
export type Tally = 'pending' | 'approved' | 'denied'

/**
 * Every name that an approver answers under. An agent that speaks for two people is one voice, so
 * the actors count as names too.
 */
const namesOf = (approver: Principal): readonly string[] => [
  principalName(approver),
  ...approver.aliases,
  ...approver.actors.map(principalName),
]

/** True when both answers could come from one person: any name in common is enough. */
export function isSamePerson(a: Principal, b: Principal): boolean {
  const names = new Set(namesOf(a))
  return namesOf(b).some((name) => names.has(name))
}

/** The groups whose members may answer: one, and after its escalation two. */
export const askedGroups = (
  { approvers, escalation }: Approval,
  isEscalated: boolean,
): readonly string[] =>
  isEscalated && escalation !== undefined ? [approvers, escalation.to] : [approvers]

/**
 * Says whether a decision counts, given those that counted before it, and what it leads to.
 * Refuses with `SELF_APPROVAL`, `NOT_ENTITLED`, `REASON_REQUIRED`, `ALREADY_DECIDED` (this person has
 * answered) or `LIMIT_EXCEEDED` (the reason is too long).
 */
export function tally(
  approval: Approval,
  requester: Principal,
  counted: readonly Decision[],
  decision: Decision,
  isEscalated = false,
): Outcome<Tally> {
  const entitled = mayDecide(approval, requester, decision, isEscalated)
  if (!entitled.ok) return entitled
  if (counted.some((earlier) => isSamePerson(earlier.approver, decision.approver))) {
    return refused('ALREADY_DECIDED', { what: 'Your part', why: 'you have answered before' })
  }
  if (decision.answer === 'deny') return granted('denied')
  const approvals = counted.filter((earlier) => earlier.answer === 'approve').length + 1
  return granted(approvals >= Math.max(1, approval.quorum) ? 'approved' : 'pending')
}

/** Whether this person may answer at all, whatever the question's state. */
export function mayDecide(
  approval: Approval,
  requester: Principal,
  decision: Decision,
  isEscalated = false,
): Outcome<null> {
  if (isPartyTo(decision.approver, requester)) return refused('SELF_APPROVAL')
  const groups = askedGroups(approval, isEscalated)
  if (!groups.some((group) => decision.memberOf.includes(group))) {
    return refused('NOT_ENTITLED', {
      what: 'decide this',
      why: `only members of ${groups.join(' and ')} may`,
    })
  }
  if (decision.reason.length > decisionReasonLengthMax) {
    return refused('LIMIT_EXCEEDED', {
      why: `a reason has at most ${decisionReasonLengthMax} characters`,
    })
  }
  if (approval.reasonRequired === true && decision.reason.trim() === '') {
    return refused('REASON_REQUIRED', {
      what: 'Your answer',
      why: 'the policy wants to know why it was given',
    })
  }
  return granted(null)
}

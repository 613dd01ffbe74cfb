// Who may see and do what. Pure: principal, policy and item in, yes or no out. Deciding is not here:
// the services judge it, so that every door gives the same answer.

import { refused, type Outcome } from '../../core/errors.js'
import type { AccessItem, InboxItem } from '../../core/inbox.js'
import type { Authenticated } from '../../core/ports.js'
import { isPartyTo, principalChain, type Principal } from '../../core/principal.js'
import { askedGroups } from '../../core/quorum.js'
import { groupsOf, may } from '../../policy/match.js'
import type { Duty, Policy } from '../../policy/policy.js'

/** The item is about something this very subject asked for, through the same agents. */
export const isOwn = (item: InboxItem, principal: Principal): boolean =>
  principalChain(item.question.principal) === principalChain(principal)

/** Stricter: the same job, with the same attributes; what it may end. */
export const isSameJob = (item: AccessItem, caller: Authenticated): boolean =>
  item.question.principalKey === caller.principalKey

/** True when the item was put to a group that the principal is in, at first or by escalation. */
export function isAsked(policy: Policy, item: InboxItem, principal: Principal): boolean {
  if (item.approval === undefined) return false
  const groups = groupsOf(policy, principal)
  return askedGroups(item.approval, item.escalatedAt !== undefined).some((group) =>
    groups.includes(group),
  )
}

/** True when the principal is in the group that has to review a break-glass. */
const isReviewer = (policy: Policy, item: InboxItem, principal: Principal): boolean =>
  item.kind === 'access' &&
  item.breakGlass !== undefined &&
  groupsOf(policy, principal).includes(item.breakGlass.approvers)

/**
 * Requesters see their own, approvers what their groups are asked or have to review, on-call and
 * auditors all.
 */
export const maySee = (policy: Policy, item: InboxItem, principal: Principal): boolean =>
  isOwn(item, principal) ||
  isAsked(policy, item, principal) ||
  isReviewer(policy, item, principal) ||
  may(policy, principal, 'revoke') ||
  may(policy, principal, 'audit')

/** Refuses with `NOT_ENTITLED` whoever does not have the duty. */
export const requireDuty = (
  policy: Policy,
  principal: Principal,
  duty: Duty,
  what: string,
): Outcome<null> =>
  may(policy, principal, duty)
    ? { ok: true, value: null }
    : refused('NOT_ENTITLED', { what, why: `your groups do not have the duty ${duty}` })

/**
 * Who lets a grant last longer: those who agreed to it, or the requester himself when nobody had to
 * (up to the maximum of the policy, which the workflow keeps). Refuses with `NOT_ENTITLED`,
 * `SELF_APPROVAL`.
 */
export function mayExtend(policy: Policy, item: AccessItem, caller: Authenticated): Outcome<null> {
  if (item.approval === undefined)
    return isSameJob(item, caller)
      ? { ok: true, value: null }
      : refused('NOT_ENTITLED', { what: 'extend the grant of somebody else' })
  if (isPartyTo(caller.principal, item.question.principal)) return refused('SELF_APPROVAL')
  if (isAsked(policy, item, caller.principal)) return { ok: true, value: null }
  return refused('NOT_ENTITLED', {
    what: 'extend this grant',
    why: `it is for ${item.approval.approvers} to agree`,
  })
}

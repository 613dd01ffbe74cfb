// Who is meant by a rule: equality on what a token says, nothing cleverer. Pure.

import { principalName } from '../core/principal.js'
import type { Principal } from '../core/principal.js'
import type { Duty, Matcher, Policy } from './policy.js'

/**
 * True when every condition of the matcher holds. A subject that somebody acts for (RFC 8693 `act`)
 * matches only if the matcher names that actor: being trusted does not make one's agents trusted.
 */
export function matches(matcher: Matcher, principal: Principal): boolean {
  const { issuer, subjects, groups, actors, claims } = matcher
  const [actor] = principal.actors
  return (
    issuer === principal.issuer &&
    (subjects === undefined || subjects.has(principal.subject)) &&
    (groups === undefined || principal.groups.some((group) => groups.has(group))) &&
    (actor === undefined ? actors === undefined : actors?.has(principalName(actor)) === true) &&
    claims.every(
      ([claim, values]) =>
        Object.hasOwn(principal.attributes, claim) && values.has(principal.attributes[claim] ?? ''),
    )
  )
}

/** The approver groups that a principal belongs to, in the order of the policy; empty for none. */
export const groupsOf = (policy: Policy, principal: Principal): string[] =>
  [...policy.approvers]
    .filter(([, members]) => members.some((member) => matches(member, principal)))
    .map(([name]) => name)

/** True when the principal belongs to a group that has this duty. */
export const may = (policy: Policy, principal: Principal, duty: Duty): boolean =>
  policy.duties[duty].some((group) =>
    policy.approvers.get(group)?.some((member) => matches(member, principal)),
  )

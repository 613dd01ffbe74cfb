// Which access rules fit a caller, and what is missing for those that don't. Words for people; it grants
// nothing, and fits exactly where `matches` does. Pure.

import { principalName, type Principal } from '../core/principal.js'
import { visibleShort } from '../core/visible.js'
import { approvalText } from './explain.js'
import { durationText } from './duration.js'
import type { AccessRule, Matcher, Policy } from './policy.js'

/** One access rule, as it looks to one caller. */
export interface RuleReading {
  readonly label: string
  readonly role: string
  readonly on: readonly string[]
  /** What the rule gives, and who must agree. */
  readonly gives: string
  /** Conditions that do not hold, in words; the rule fits when there are none. */
  readonly misses: readonly string[]
}

/** A value of the caller's is shown no longer than this, in characters. */
const SHOWN_LENGTH_MAX = 64

/** Every access rule, in the order of the policy. */
export const explainAccess = (policy: Policy, principal: Principal): RuleReading[] =>
  policy.access.map((rule) => ({
    label: rule.label,
    role: rule.role,
    on: rule.on,
    gives: givesText(rule),
    misses: missesOf(rule.who, principal),
  }))

function givesText({ role, on, durationMs, durationMsMax, reasonRequired, approval }: AccessRule) {
  const length = `for ${durationText(durationMs)} (at most ${durationText(durationMsMax)})`
  const agreed = approval === undefined ? 'at once' : `when ${approvalText(approval)} agrees`
  return `${role} on ${on.join(', ')} ${length}, ${agreed}${reasonRequired ? ', reason required' : ''}`
}

/** What keeps a matcher from fitting; empty exactly when `matches` holds. */
export function missesOf(matcher: Matcher, principal: Principal): string[] {
  // Of a rule for another issuer nothing else is worth saying: no claim of this token could help.
  if (matcher.issuer !== principal.issuer) return [`it is for callers of ${matcher.issuer}`]
  const { subjects, groups, actors, claims } = matcher
  const { subject, attributes } = principal
  const [actor] = principal.actors
  const misses: string[] = []
  if (subjects !== undefined && !subjects.has(subject))
    misses.push(`subject is ${shown(subject)}, must be ${either(subjects)}`)
  if (groups !== undefined && !principal.groups.some((group) => groups.has(group)))
    misses.push(`in none of the groups ${either(groups)}`)
  if (actor === undefined && actors !== undefined)
    misses.push(`nobody acts for it, must be ${either(actors)}`)
  if (actor !== undefined && actors?.has(principalName(actor)) !== true)
    misses.push(
      `${shown(principalName(actor))} acts for it, ${actors === undefined ? 'and nobody may' : `must be ${either(actors)}`}`,
    )
  for (const [claim, wanted] of claims) {
    const found = Object.hasOwn(attributes, claim) ? attributes[claim] : undefined
    if (found === undefined) misses.push(`${claim} is missing, must be ${either(wanted)}`)
    else if (!wanted.has(found))
      misses.push(`${claim} is ${shown(found)}, must be ${either(wanted)}`)
  }
  return misses
}

const shown = (text: string): string => visibleShort(text, SHOWN_LENGTH_MAX)
const either = (values: ReadonlySet<string>): string => [...values].join(' or ')

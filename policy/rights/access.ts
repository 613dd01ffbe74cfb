// What a change of access rules means: who gets which role where, on what terms. A rule is compared
// with those of the other policy that mean the same callers, or more. Pure.

import { canonicalText } from '../difference.js'
import { durationText } from '../duration.js'
import { approvalText, matcherText } from '../explain.js'
import type { AccessRule, Matcher, Policy } from '../policy.js'
import { changed, type RightsChange } from './change.js'

/** One role on one resource for one matcher. */
interface Right {
  readonly rule: AccessRule
  readonly resource: string
  /** Whatever the rule says beyond what is compared here; it has to be the same. */
  readonly others: string
}

/** What no rule of the other policy gives in full is said of, once for all resources of a rule. */
export function accessChanges(before: Policy, after: Policy): RightsChange[] {
  const [from, to] = [rightsOf(before), rightsOf(after)]
  const gained = to.filter((right) => !from.some((other) => gives(other, right)))
  const lost = from.filter((right) => !to.some((other) => gives(other, right)))
  // One that was rewritten in a way that neither adds nor takes is told of once.
  const swaps = gained.flatMap((right) => {
    const earlier = lost.find((other) => isSwap(other, right))
    return earlier === undefined ? [] : [{ right, earlier }]
  })
  const swapped = new Set(swaps.flatMap(({ right, earlier }) => [right, earlier]))
  // What is both wider and narrower in parts is told as wider, with what it was.
  const retold = new Set(
    gained.flatMap((right) => lost.filter((other) => isSameQuestion(other, right))),
  )
  return [
    ...byRule(
      gained.filter((right) => !swapped.has(right)),
      (right) =>
        changed('widens', `${who(right)} may get ${gets(right)}${earlierTerms(from, right)}`),
    ),
    ...byRule(
      lost.filter((right) => !swapped.has(right) && !retold.has(right)),
      (right) => {
        const now = to.filter((other) => isAbout(other, right))
        return changed(
          'narrows',
          now.length === 0
            ? `${who(right)} may no longer get ${what(right)} (was: ${terms(right.rule)})`
            : `${who(right)} may get ${what(right)} only ${either(now)} (was: ${terms(right.rule)})`,
        )
      },
    ),
    ...swaps.map(({ right, earlier }) =>
      changed('changes', `${who(right)} may get ${gets(right)} (was: ${terms(earlier.rule)})`),
    ),
  ]
}

function rightsOf({ access, document }: Policy): Right[] {
  return access.flatMap((rule, at) => {
    const others = othersOf(document.access[at])
    return rule.on.map((resource) => ({ rule, resource, others }))
  })
}

/** Keys of a rule that this file does not know how to compare, as text. */
function othersOf(rule: Policy['document']['access'][number] | undefined): string {
  const known = new Set(['who', 'role', 'on', 'for', 'max', 'reason', 'approval'])
  const asked = new Set(['approvers', 'quorum', 'timeout'])
  const rest = (value: object | undefined, names: ReadonlySet<string>) =>
    Object.fromEntries(Object.entries(value ?? {}).filter(([key]) => !names.has(key)))
  return canonicalText([rest(rule, known), rest(rule?.approval, asked)])
}

/** One sentence for all resources of a rule that it is true of. */
function byRule(rights: readonly Right[], say: (right: Right) => RightsChange): RightsChange[] {
  const sentences = new Map<string, { change: RightsChange; on: string[] }>()
  for (const right of rights) {
    const change = say(right)
    const key = `${change.direction} ${change.text}`
    const same = sentences.get(key)
    if (same === undefined) sentences.set(key, { change, on: [right.resource] })
    else same.on.push(right.resource)
  }
  return [...sentences.values()].map(({ change, on }) =>
    changed(change.direction, change.text.replace(PLACE, on.join(', '))),
  )
}

/** Stands for the resources until it is known for which ones a sentence holds. */
const PLACE = '\u0000'

const who = ({ rule }: Right): string => matcherText(rule.who)
const what = ({ rule }: Right): string => `role ${rule.role} on ${PLACE}`
const gets = (right: Right): string => `${what(right)} ${terms(right.rule)}`

function terms(rule: AccessRule): string {
  const { approval, durationMs, durationMsMax, reasonRequired } = rule
  const length =
    durationMs === durationMsMax
      ? `for ${durationText(durationMs)}`
      : `for ${durationText(durationMs)}, at most ${durationText(durationMsMax)}`
  const agreed = approval === undefined ? 'at once' : `when ${approvalText(approval)} agrees`
  return `${length}, ${agreed}${reasonRequired ? ', with a reason' : ''}`
}

const either = (rights: readonly Right[]): string =>
  [...new Set(rights.map(({ rule }) => terms(rule)))].join(', or ')

function earlierTerms(from: readonly Right[], right: Right): string {
  const earlier = from.filter((other) => isAbout(other, right))
  return earlier.length === 0 ? '' : ` (was: ${either(earlier)})`
}

/** Both are about the same role and resource, and everybody that `right` means `other` means too. */
const isAbout = (other: Right, right: Right): boolean =>
  other.rule.role === right.rule.role &&
  other.resource === right.resource &&
  includes(other.rule.who, right.rule.who)

const isSameQuestion = (other: Right, right: Right): boolean =>
  isAbout(other, right) && isAbout(right, other)

/** Whoever has `right` has at least as much by `other`. */
const gives = (other: Right, right: Right): boolean =>
  isAbout(other, right) && other.others === right.others && isAsGood(other.rule, right.rule)

function isAsGood(rule: AccessRule, than: AccessRule): boolean {
  if (rule.durationMsMax < than.durationMsMax || rule.durationMs < than.durationMs) return false
  if (rule.reasonRequired && !than.reasonRequired) return false
  if (rule.approval === undefined) return true
  const { approval } = than
  if (approval === undefined) return false
  return rule.approval.approvers === approval.approvers && rule.approval.quorum <= approval.quorum
}

/** The same, but for a group that is asked instead of another, or for what is not compared. */
function isSwap(other: Right, right: Right): boolean {
  if (!isSameQuestion(other, right)) return false
  const [a, b] = [other.rule, right.rule]
  return (
    a.durationMs === b.durationMs &&
    a.durationMsMax === b.durationMsMax &&
    a.reasonRequired === b.reasonRequired &&
    a.approval?.quorum === b.approval?.quorum
  )
}

/** True when `wide` means everybody that `narrow` means; false where that can't be told. */
export function includes(wide: Matcher, narrow: Matcher): boolean {
  return (
    wide.issuer === narrow.issuer &&
    holds(wide.subjects, narrow.subjects) &&
    holds(wide.groups, narrow.groups) &&
    // Without actors only those are meant that nobody acts for: neither is a part of the other.
    (wide.actors === undefined) === (narrow.actors === undefined) &&
    holds(wide.actors, narrow.actors) &&
    wide.claims.every(([claim, values]) => {
      const own = narrow.claims.find(([name]) => name === claim)
      return own !== undefined && isSubset(own[1], values)
    })
  )
}

const holds = (
  wide: ReadonlySet<string> | undefined,
  narrow: ReadonlySet<string> | undefined,
): boolean => wide === undefined || (narrow !== undefined && isSubset(narrow, wide))

const isSubset = (part: ReadonlySet<string>, whole: ReadonlySet<string>): boolean =>
  [...part].every((value) => whole.has(value))

// (principal, resource, role) → may it have access, for how long, and who must agree. Pure.

import { principalName } from '../core/principal.js'
import type { Principal } from '../core/principal.js'
import { SERVICE_KEY_ISSUER } from '../core/service-key.js'
import type { AccessVerdict, Reason } from '../core/verdict.js'
import { visibleShort } from '../core/visible.js'
import { durationText } from './duration.js'
import { matches } from './match.js'
import type { AccessRule, Policy } from './policy.js'

/** What a caller wants. */
export interface AccessWish {
  readonly resource: string
  readonly role: string
  /** Ms; the rule's own length when absent. */
  readonly durationMs?: number | undefined
  readonly reason: string
}

/** A caller's own words are shown back no longer than this, in characters. */
const SHOWN_LENGTH_MAX = 64

/** Names of the roles that a principal may ask for on a resource; empty if it knows of no such thing. */
export const rolesFor = (policy: Policy, principal: Principal, resource: string): string[] => [
  ...new Set(
    policy.access
      .filter((rule) => rule.on.includes(resource) && matches(rule.who, principal))
      .filter(({ role }) => isWithinKey(principal, { resource, role }))
      .map((rule) => rule.role),
  ),
]

/**
 * Judges a wish for access. Rules only add: when several fit, the most favourable one speaks (allow
 * before ask before block, then the longer maximum, then the one that stands first).
 *
 * Blocks with `no-access` (no rule; the same words whether or not resource and role exist),
 * `duration-invalid`, `duration-too-long`, `reason-missing`.
 */
export function judgeAccess(policy: Policy, principal: Principal, wish: AccessWish): AccessVerdict {
  const verdicts = policy.access
    .filter(
      (rule) =>
        rule.role === wish.role && rule.on.includes(wish.resource) && matches(rule.who, principal),
    )
    .filter(() => isWithinKey(principal, wish))
    .map((rule) => judgeByRule(rule, wish))
  const [best] = verdicts.toSorted(byFavour)
  if (best === undefined) {
    const role = visibleShort(wish.role, SHOWN_LENGTH_MAX)
    const resource = visibleShort(wish.resource, SHOWN_LENGTH_MAX)
    const who = visibleShort(principalName(principal), SHOWN_LENGTH_MAX)
    return blocked('no-access', `no access rule gives ${who} the role ${role} on ${resource}`)
  }
  if (best.outcome !== 'block') return best
  return { outcome: 'block', reasons: verdicts.flatMap(({ reasons }) => reasons) }
}

/** A service key is for one role on one resource, whatever else rules would give to its name. */
const isWithinKey = (
  { issuer, attributes }: Principal,
  wish: Pick<AccessWish, 'resource' | 'role'>,
): boolean =>
  issuer !== SERVICE_KEY_ISSUER ||
  (attributes['resource'] === wish.resource && attributes['role'] === wish.role)

function judgeByRule(rule: AccessRule, wish: AccessWish): AccessVerdict {
  const durationMs = wish.durationMs ?? rule.durationMs
  const { durationMsMax } = rule
  if (!Number.isSafeInteger(durationMs) || durationMs <= 0)
    return blocked('duration-invalid', `${rule.label}: the length asked for is not a time`)
  if (durationMs > durationMsMax) {
    const most = durationText(durationMsMax)
    return blocked(
      'duration-too-long',
      `${rule.label}: ${durationText(durationMs)} is longer than the ${most} it gives`,
    )
  }
  if (rule.reasonRequired && wish.reason.trim() === '')
    return blocked('reason-missing', `${rule.label}: a reason has to be given`)
  const length = durationText(durationMs)
  const { approval } = rule
  if (approval === undefined) {
    const reason = { code: 'allowed-by-rule', text: `${rule.label}: ${rule.role} for ${length}` }
    return { outcome: 'allow', reasons: [reason], durationMs, durationMsMax }
  }
  const text = `${rule.label}: ${rule.role} for ${length} needs approval of ${approval.approvers}`
  const reasons = [{ code: 'asked-by-rule', text }]
  return { outcome: 'ask', reasons, durationMs, durationMsMax, approval }
}

const FAVOUR = { allow: 0, ask: 1, block: 2 } as const

const byFavour = (a: AccessVerdict, b: AccessVerdict): number =>
  FAVOUR[a.outcome] - FAVOUR[b.outcome] || maximumOf(b) - maximumOf(a)

const maximumOf = (verdict: AccessVerdict): number =>
  verdict.outcome === 'block' ? 0 : verdict.durationMsMax

function blocked(code: string, text: string): AccessVerdict {
  const reason: Reason = { code, text }
  return { outcome: 'block', reasons: [reason] }
}

// (principal, resource, role, time) → may it have access, for how long, and who must agree. Pure.

import { principalName } from '../core/principal.js'
import type { Principal } from '../core/principal.js'
import { SERVICE_KEY_ISSUER } from '../core/service-key.js'
import type { AccessVerdict, Reason } from '../core/verdict.js'
import { visibleShort } from '../core/visible.js'
import { durationText } from './duration.js'
import { matches } from './match.js'
import type { AccessRule, Policy } from './policy.js'
import { openUntil, windowsText } from './windows.js'

/** What a caller wants. */
export interface AccessWish {
  readonly resource: string
  readonly role: string
  /** Ms; the rule's own length when absent. */
  readonly durationMs?: number | undefined
  readonly reason: string
  /** It can't wait for people: it is to open at once, and to be reviewed afterwards. */
  readonly breakGlass?: boolean | undefined
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
 * Judges a wish for access at a time. Rules only add: when several fit, the most favourable one speaks
 * (allow before ask before block, then the later end, then the one that stands first). A rule outside
 * its windows gives nothing; a wish to break glass is for the rules that know it, and for them alone.
 *
 * Blocks with `no-access` (no rule; the same words whether or not resource and role exist),
 * `duration-invalid`, `duration-too-long`, `reason-missing`, `outside-windows`, `no-break-glass`.
 *
 * @param now epoch ms
 */
export function judgeAccess(
  policy: Policy,
  principal: Principal,
  wish: AccessWish,
  now: number,
): AccessVerdict {
  const verdicts = policy.access
    .filter(
      (rule) =>
        rule.role === wish.role && rule.on.includes(wish.resource) && matches(rule.who, principal),
    )
    .filter(() => isWithinKey(principal, wish))
    .map((rule) => (wish.breakGlass === true ? judgeEmergency(rule, wish) : judge(rule, wish, now)))
  const [best] = verdicts.toSorted((a, b) => byFavour(a, b, now))
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

function judge(rule: AccessRule, wish: AccessWish, now: number): AccessVerdict {
  const durationMs = wish.durationMs ?? rule.durationMs
  const { durationMsMax, approval, windows } = rule
  const objection = objectionTo(rule, wish, durationMs, durationMsMax, rule.reasonRequired)
  if (objection !== undefined) return objection
  const latest = now + (approval?.timeoutMs ?? 0) + durationMsMax
  const endsAt = windows === undefined ? undefined : openUntil(windows, now, latest)
  if (windows !== undefined && endsAt === undefined)
    return blocked('outside-windows', `${rule.label}: it holds only ${windowsText(windows)}`)
  const window = endsAt === undefined ? {} : { endsAt }
  const length = `${durationText(durationMs)}${endText(now + durationMs, endsAt)}`
  if (approval === undefined) {
    const text = `auto-approved by ${rule.label}: ${rule.role} for ${length}`
    const reasons = [{ code: 'auto-approved', text }]
    return { outcome: 'allow', reasons, durationMs, durationMsMax, ...window }
  }
  const text = `${rule.label}: ${rule.role} for ${length} needs approval of ${approval.approvers}`
  const reasons = [{ code: 'asked-by-rule', text }]
  return { outcome: 'ask', reasons, durationMs, durationMsMax, ...window, approval }
}

/** Opens at once, whatever the time of day; somebody has to look at it afterwards. */
function judgeEmergency(rule: AccessRule, wish: AccessWish): AccessVerdict {
  if (rule.breakGlass === undefined)
    return blocked('no-break-glass', `${rule.label}: it can't be passed by in an emergency`)
  const { durationMsMax, ...breakGlass } = rule.breakGlass
  const durationMs = wish.durationMs ?? Math.min(rule.durationMs, durationMsMax)
  const objection = objectionTo(rule, wish, durationMs, durationMsMax, true)
  if (objection !== undefined) return objection
  const due = `${breakGlass.approvers} reviews it within ${durationText(breakGlass.withinMs)}`
  const text = `break-glass by ${rule.label}: ${rule.role} for ${durationText(durationMs)} at once; ${due}`
  const reasons = [{ code: 'break-glass', text }]
  return { outcome: 'allow', reasons, durationMs, durationMsMax, breakGlass }
}

function objectionTo(
  rule: AccessRule,
  wish: AccessWish,
  durationMs: number,
  durationMsMax: number,
  reasonRequired: boolean,
): AccessVerdict | undefined {
  if (!Number.isSafeInteger(durationMs) || durationMs <= 0)
    return blocked('duration-invalid', `${rule.label}: the length asked for is not a time`)
  if (durationMs > durationMsMax) {
    const most = durationText(durationMsMax)
    return blocked(
      'duration-too-long',
      `${rule.label}: ${durationText(durationMs)} is longer than the ${most} it gives`,
    )
  }
  if (reasonRequired && wish.reason.trim() === '')
    return blocked('reason-missing', `${rule.label}: a reason has to be given`)
  return undefined
}

/** Says so when the window closes before the time asked for is over. */
const endText = (wantedEnd: number, endsAt = Infinity): string =>
  endsAt >= wantedEnd ? '' : `, but until ${new Date(endsAt).toISOString().slice(0, 16)}Z at most`

const FAVOUR = { allow: 0, ask: 1, block: 2 } as const

const byFavour = (a: AccessVerdict, b: AccessVerdict, now: number): number =>
  FAVOUR[a.outcome] - FAVOUR[b.outcome] || maximumOf(b, now) - maximumOf(a, now)

const maximumOf = (verdict: AccessVerdict, now: number): number =>
  verdict.outcome === 'block'
    ? 0
    : Math.min(verdict.durationMsMax, (verdict.endsAt ?? Infinity) - now)

function blocked(code: string, text: string): AccessVerdict {
  const reason: Reason = { code, text }
  return { outcome: 'block', reasons: [reason] }
}

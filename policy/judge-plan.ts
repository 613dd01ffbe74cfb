// (access verdict, plan) → may this plan be asked about, and whom. Pure. What a statement does is judged
// again when it comes; here only what its text alone tells.

import type { Plan } from '../core/plan.js'
import type { AccessVerdict, Reason, Verdict } from '../core/verdict.js'
import { blockedByLine } from './judge-command.js'
import type { Policy } from './policy.js'
import { stricter } from './strictest.js'

/** More reasons help nobody; a plan may have hundreds of steps. */
const REASON_COUNT_MAX = 8

/**
 * The verdict about access that comes with a plan: whoever approves plans of the role is asked, even
 * where access alone would be given at once. Blocks with `no-plans`, `plan-step-blocked`, and
 * `approvers-differ` when access and plans are for different groups to approve.
 */
export function judgePlan(
  policy: Policy,
  roleName: string,
  access: AccessVerdict,
  plan: Plan,
): AccessVerdict {
  if (access.outcome === 'block') return access
  const role = policy.roles.get(roleName)
  const approval = role?.plans
  if (role === undefined || approval === undefined) {
    return blocked([{ code: 'no-plans', text: `role ${roleName} takes no plans` }])
  }
  const steps = plan.steps.flatMap(({ parts }, at) =>
    parts.flatMap((part) =>
      (blockedByLine(role, part)?.reasons ?? []).map(({ text }) => ({
        code: 'plan-step-blocked',
        text: `plan step ${at + 1}: ${text}`,
      })),
    ),
  )
  if (steps.length > 0) return blocked(steps.slice(0, REASON_COUNT_MAX))
  const text = `role ${roleName}: a plan of ${plan.steps.length} statements needs approval of ${approval.approvers}`
  const asked: Verdict = { outcome: 'ask', reasons: [{ code: 'asked-by-rule', text }], approval }
  const given: Verdict =
    access.outcome === 'ask'
      ? { outcome: 'ask', reasons: access.reasons, approval: access.approval }
      : { ...asked, reasons: access.reasons }
  const both = stricter(given, asked)
  return both.outcome === 'ask' ? { ...access, ...both } : blocked(both.reasons)
}

const blocked = (reasons: readonly Reason[]): AccessVerdict => ({ outcome: 'block', reasons })

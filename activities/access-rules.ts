// The policy as activities see it. Pure; judges nothing itself.

import { judgeAccess } from '../policy/judge-access.js'
import { judgePlan } from '../policy/judge-plan.js'
import type { Policy } from '../policy/policy.js'
import type { AccessRules } from './activities.js'

/**
 * The access part of one policy version. A token of an issuer it does not know is single-use. One that
 * belongs to its first caller was bound by the gateway, which knows the caller.
 */
export const accessRulesOf = (policy: Policy): AccessRules => ({
  digest: policy.digest,
  isSingleUse: (issuer) => (policy.issuers.get(issuer)?.replay ?? 'once') === 'once',
  judge: (principal, wish, at, plan) => {
    const verdict = judgeAccess(policy, principal, wish, at)
    return plan === undefined ? verdict : judgePlan(policy, wish.role, verdict, plan)
  },
})

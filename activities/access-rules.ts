// The policy as activities see it. Pure; judges nothing itself.

import { judgeAccess } from '../policy/judge-access.js'
import type { Policy } from '../policy/policy.js'
import type { AccessRules } from './activities.js'

/** The access part of one policy version. A token of an issuer it does not know is single-use. */
export const accessRulesOf = (policy: Policy): AccessRules => ({
  digest: policy.digest,
  isSingleUse: (issuer) => policy.issuers.get(issuer)?.replay !== 'none',
  judge: (principal, wish) => judgeAccess(policy, principal, wish),
})

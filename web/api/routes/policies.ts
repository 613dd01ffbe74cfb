// The rules and the stored credentials, for those who have the duty to apply them. A secret goes in
// here and comes out nowhere.

import { z } from 'zod'
import { difference, policyInForce, stored } from '../../../contract/answers.js'
import { granted, refused } from '../../../core/errors.js'
import { principalName } from '../../../core/principal.js'
import { may } from '../../../policy/match.js'
import { requireDuty } from '../entitlement.js'
import { name, noBody, nothing } from '../fields.js'
import { policyBytesMax, secretLengthMax } from '../limits.js'
import type { ApiDependencies } from '../ports.js'
import { jsonRoute, type ApiRoute } from '../route.js'

/** Routes under /v1/policies and /v1/secrets. */
export const policyRoutes = (parts: ApiDependencies): readonly ApiRoute[] => [
  applyRoute(parts),
  currentRoute(parts),
  secretRoute(parts),
]

const applyRoute = (parts: ApiDependencies): ApiRoute =>
  jsonRoute({
    method: 'POST',
    path: '/v1/policies',
    operationId: 'applyPolicy',
    summary: 'Apply a policy, or show what it would change',
    refuses: ['NOT_ENTITLED', 'POLICY_INVALID'],
    // JSON escapes make a text longer; a policy of the largest size still fits.
    bodyBytesMax: 2 * policyBytesMax,
    params: nothing,
    query: nothing,
    body: z.strictObject({
      source: z.string().max(policyBytesMax),
      dryRun: z.boolean().default(false),
    }),
    response: difference,
    handle: async ({ caller, body: { source, dryRun } }) => {
      const entitled = requireDuty(parts.policy(), caller.principal, 'apply', 'apply a policy')
      if (!entitled.ok) return entitled
      return await parts.policies.apply(source, principalName(caller.principal), dryRun)
    },
  })

const currentRoute = (parts: ApiDependencies): ApiRoute =>
  jsonRoute({
    method: 'GET',
    path: '/v1/policies/current',
    operationId: 'currentPolicy',
    summary: 'Read the policy in force',
    refuses: ['NOT_ENTITLED', 'NOT_FOUND'],
    params: nothing,
    query: nothing,
    body: noBody,
    response: policyInForce,
    handle: async ({ caller: { principal } }) => {
      const policy = parts.policy()
      if (!may(policy, principal, 'apply') && !may(policy, principal, 'audit'))
        return refused('NOT_ENTITLED', {
          what: 'read the policy',
          why: 'your groups have neither the duty apply nor audit',
        })
      const current = await parts.policies.current()
      return current === undefined ? refused('NOT_FOUND', { what: 'policy yet' }) : granted(current)
    },
  })

const secretRoute = (parts: ApiDependencies): ApiRoute =>
  jsonRoute({
    method: 'PUT',
    path: '/v1/secrets/:name',
    operationId: 'putSecret',
    summary: 'Store a credential for a target',
    refuses: ['NOT_ENTITLED'],
    params: z.strictObject({ name }),
    query: nothing,
    body: z.strictObject({ value: z.string().min(1).max(secretLengthMax) }),
    response: stored,
    handle: async ({ caller, params, body: { value } }) => {
      const entitled = requireDuty(parts.policy(), caller.principal, 'apply', 'store a secret')
      if (!entitled.ok) return entitled
      const by = principalName(caller.principal)
      const put = await parts.secrets.put(params.name, value, by)
      return put.ok ? granted({ name: params.name, ...put.value }) : put
    },
  })

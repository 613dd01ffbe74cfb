// Policies that wait for a second person: listed, shown, confirmed or rejected. Who the second person
// may be is judged behind the port.

import { z } from 'zod'
import { policyDecided, policyProposal, policyProposals } from '../../../contract/policies.js'
import { granted } from '../../../core/errors.js'
import { requireDuty } from '../entitlement.js'
import { noBody, nothing, proposalId, reason } from '../fields.js'
import type { ApiDependencies } from '../ports.js'
import { jsonRoute, type ApiRoute } from '../route.js'

/** Routes under /v1/policies/proposals. */
export const proposalRoutes = (parts: ApiDependencies): readonly ApiRoute[] => [
  listRoute(parts),
  showRoute(parts),
  decideRoute(parts),
]

const listRoute = (parts: ApiDependencies): ApiRoute =>
  jsonRoute({
    method: 'GET',
    path: '/v1/policies/proposals',
    operationId: 'listPolicyProposals',
    summary: 'List the policies that wait for a second person',
    refuses: ['NOT_ENTITLED'],
    params: nothing,
    query: nothing,
    body: noBody,
    response: policyProposals,
    handle: async ({ caller: { principal } }) => {
      const entitled = requireDuty(parts.policy(), principal, 'apply', 'see proposed policies')
      return entitled.ok ? granted({ proposals: await parts.policies.proposals() }) : entitled
    },
  })

const showRoute = (parts: ApiDependencies): ApiRoute =>
  jsonRoute({
    method: 'GET',
    path: '/v1/policies/proposals/:id',
    operationId: 'readPolicyProposal',
    summary: 'Read a proposed policy, with what it would change',
    refuses: ['NOT_ENTITLED', 'NOT_FOUND', 'POLICY_INVALID'],
    params: z.strictObject({ id: proposalId }),
    query: nothing,
    body: noBody,
    response: policyProposal,
    handle: async ({ caller: { principal }, params: { id } }) => {
      const entitled = requireDuty(parts.policy(), principal, 'apply', 'see proposed policies')
      return entitled.ok ? await parts.policies.proposal(id) : entitled
    },
  })

const decideRoute = (parts: ApiDependencies): ApiRoute =>
  jsonRoute({
    method: 'POST',
    path: '/v1/policies/proposals/:id/decision',
    operationId: 'decidePolicyProposal',
    summary: 'Confirm or reject a proposed policy',
    refuses: [
      ...(['NOT_ENTITLED', 'NOT_FOUND', 'SELF_APPROVAL', 'ALREADY_DECIDED'] as const),
      ...(['POLICY_INVALID', 'POLICY_CONFLICT'] as const),
    ],
    params: z.strictObject({ id: proposalId }),
    query: nothing,
    body: z.strictObject({ answer: z.enum(['confirm', 'reject']), reason: reason.default('') }),
    response: policyDecided,
    handle: async ({ caller: { principal }, params: { id }, body: { answer, reason: why } }) => {
      const entitled = requireDuty(parts.policy(), principal, 'apply', 'decide about a policy')
      if (!entitled.ok) return entitled
      if (answer === 'reject') {
        const rejected = await parts.policies.reject(id, why, principal)
        return rejected.ok ? granted({ id, state: 'rejected' as const }) : rejected
      }
      const confirmed = await parts.policies.confirm(id, why, principal)
      return confirmed.ok
        ? granted({ id, state: 'applied' as const, version: confirmed.value.version })
        : confirmed
    },
  })

// The rules: applied, compared, listed, taken back. Only those see them who apply or audit them.

import { z } from 'zod'
import {
  policyApplied,
  policyDifference,
  policyPage,
  policyProcesses,
  policyVersion,
} from '../../../contract/policies.js'
import { granted, refused, type Outcome } from '../../../core/errors.js'
import type { Principal } from '../../../core/principal.js'
import { may } from '../../../policy/match.js'
import { requireDuty } from '../entitlement.js'
import { noBody, nothing, policyNumber, reason } from '../fields.js'
import { pageCountMax, policyBytesMax } from '../limits.js'
import type { ApiDependencies } from '../ports.js'
import { jsonRoute, type ApiRoute } from '../route.js'
import { proposalRoutes } from './policy-proposals.js'

/** Routes under /v1/policies. */
export const policyRoutes = (parts: ApiDependencies): readonly ApiRoute[] => [
  applyRoute(parts),
  listRoute(parts),
  currentRoute(parts),
  differenceRoute(parts),
  processesRoute(parts),
  ...proposalRoutes(parts),
  versionRoute(parts),
  rollbackRoute(parts),
]

const terms = {
  dryRun: z.boolean().default(false),
  reason: reason.default(''),
  expect: z.int().min(0).optional(),
}

const applyRoute = (parts: ApiDependencies): ApiRoute =>
  jsonRoute({
    method: 'POST',
    path: '/v1/policies',
    operationId: 'applyPolicy',
    summary: 'Apply a policy, propose it where two people are needed, or show what it would change',
    refuses: ['NOT_ENTITLED', 'POLICY_INVALID', 'POLICY_CONFLICT'],
    // JSON escapes make a text longer; a policy of the largest size still fits.
    bodyBytesMax: 2 * policyBytesMax,
    params: nothing,
    query: nothing,
    body: z.strictObject({ source: z.string().max(policyBytesMax), ...terms }),
    response: policyApplied,
    handle: async ({ caller: { principal }, body }) => {
      const entitled = requireDuty(parts.policy(), principal, 'apply', 'apply a policy')
      return entitled.ok ? await parts.policies.apply(body, principal) : entitled
    },
  })

const rollbackRoute = (parts: ApiDependencies): ApiRoute =>
  jsonRoute({
    method: 'POST',
    path: '/v1/policies/:version/rollback',
    operationId: 'rollBackPolicy',
    summary: 'Apply an older version again, as a new one',
    refuses: ['NOT_ENTITLED', 'NOT_FOUND', 'POLICY_INVALID', 'POLICY_CONFLICT'],
    params: z.strictObject({ version: policyNumber }),
    query: nothing,
    body: z.strictObject(terms),
    response: policyApplied,
    handle: async ({ caller: { principal }, params: { version }, body }) => {
      const entitled = requireDuty(parts.policy(), principal, 'apply', 'apply a policy')
      return entitled.ok ? await parts.policies.rollback(version, body, principal) : entitled
    },
  })

/** Refuses with `NOT_ENTITLED` whoever may neither apply nor audit. */
export function requireReading(parts: ApiDependencies, principal: Principal): Outcome<null> {
  const policy = parts.policy()
  if (may(policy, principal, 'apply') || may(policy, principal, 'audit')) return granted(null)
  return refused('NOT_ENTITLED', {
    what: 'read the policy',
    why: 'your groups have neither the duty apply nor audit',
  })
}

const listRoute = (parts: ApiDependencies): ApiRoute =>
  jsonRoute({
    method: 'GET',
    path: '/v1/policies',
    operationId: 'listPolicies',
    summary: 'List the versions of the policy, newest first',
    refuses: ['NOT_ENTITLED'],
    params: nothing,
    query: z.strictObject({
      limit: z.coerce.number().int().min(1).max(pageCountMax).default(50),
      before: policyNumber.optional(),
    }),
    body: noBody,
    response: policyPage,
    handle: async ({ caller: { principal }, query: { limit, before } }) => {
      const entitled = requireReading(parts, principal)
      return entitled.ok ? granted(await parts.policies.list(limit, before)) : entitled
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
    response: policyVersion,
    handle: async ({ caller: { principal } }) => {
      const entitled = requireReading(parts, principal)
      if (!entitled.ok) return entitled
      const current = await parts.policies.current()
      return current === undefined ? refused('NOT_FOUND', { what: 'policy yet' }) : granted(current)
    },
  })

const versionRoute = (parts: ApiDependencies): ApiRoute =>
  jsonRoute({
    method: 'GET',
    path: '/v1/policies/:version',
    operationId: 'readPolicy',
    summary: 'Read one version of the policy',
    refuses: ['NOT_ENTITLED', 'NOT_FOUND'],
    params: z.strictObject({ version: policyNumber }),
    query: nothing,
    body: noBody,
    response: policyVersion,
    handle: async ({ caller: { principal }, params: { version } }) => {
      const entitled = requireReading(parts, principal)
      if (!entitled.ok) return entitled
      const found = await parts.policies.version(version)
      return found === undefined
        ? refused('NOT_FOUND', { what: `policy version ${version}` })
        : granted(found)
    },
  })

const differenceRoute = (parts: ApiDependencies): ApiRoute =>
  jsonRoute({
    method: 'GET',
    path: '/v1/policies/difference',
    operationId: 'comparePolicies',
    summary: 'Compare two versions of the policy; 0 is the empty one',
    refuses: ['NOT_ENTITLED', 'NOT_FOUND', 'POLICY_INVALID'],
    params: nothing,
    query: z.strictObject({ from: policyNumber, to: policyNumber }),
    body: noBody,
    response: policyDifference,
    handle: async ({ caller: { principal }, query: { from, to } }) => {
      const entitled = requireReading(parts, principal)
      return entitled.ok ? await parts.policies.difference(from, to) : entitled
    },
  })

const processesRoute = (parts: ApiDependencies): ApiRoute =>
  jsonRoute({
    method: 'GET',
    path: '/v1/policies/processes',
    operationId: 'listPolicyProcesses',
    summary: 'Say by which version each process judges',
    refuses: ['NOT_ENTITLED'],
    params: nothing,
    query: nothing,
    body: noBody,
    response: policyProcesses,
    handle: async ({ caller: { principal } }) => {
      const entitled = requireReading(parts, principal)
      return entitled.ok ? granted({ processes: await parts.policies.processes() }) : entitled
    },
  })

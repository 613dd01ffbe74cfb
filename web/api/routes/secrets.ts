// The stored credentials, for those who have the duty to apply policies. A secret goes in here and comes
// out nowhere.

import { z } from 'zod'
import { stored } from '../../../contract/answers.js'
import { rotated } from '../../../contract/service-keys.js'
import { granted } from '../../../core/errors.js'
import { principalName } from '../../../core/principal.js'
import { requireDuty } from '../entitlement.js'
import { name, nothing } from '../fields.js'
import { secretLengthMax } from '../limits.js'
import type { ApiDependencies } from '../ports.js'
import { jsonRoute, type ApiRoute } from '../route.js'

/** Routes under /v1/secrets. */
export const secretRoutes = (parts: ApiDependencies): readonly ApiRoute[] => [
  secretRoute(parts),
  rotationRoute(parts),
]

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

const rotationRoute = (parts: ApiDependencies): ApiRoute =>
  jsonRoute({
    method: 'POST',
    path: '/v1/resources/:name/rotation',
    operationId: 'rotateResource',
    summary: 'Change the stored password of a resource, at the target and here',
    refuses: [
      ...(['NOT_ENTITLED', 'NOT_FOUND', 'ALREADY_DECIDED'] as const),
      ...(['TARGET_REFUSED', 'TARGET_UNREACHABLE', 'RECORD_UNAVAILABLE'] as const),
    ],
    params: z.strictObject({ name }),
    query: nothing,
    body: nothing,
    response: rotated,
    handle: async ({ caller, params }) => {
      const entitled = requireDuty(parts.policy(), caller.principal, 'apply', 'rotate a password')
      if (!entitled.ok) return entitled
      const outcome = await parts.rotator.rotate(params.name, principalName(caller.principal))
      return outcome.ok ? granted({ resource: params.name, ...outcome.value }) : outcome
    },
  })

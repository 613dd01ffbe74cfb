// Service keys: added, listed and revoked by whoever has the duty `apply`. A key leaves once.

import { z } from 'zod'
import {
  serviceKeyAdded,
  serviceKeyList,
  serviceKeyRevoked,
} from '../../../contract/service-keys.js'
import { granted } from '../../../core/errors.js'
import type { Principal } from '../../../core/principal.js'
import { principalName } from '../../../core/principal.js'
import { requireDuty } from '../entitlement.js'
import { name, noBody, nothing } from '../fields.js'
import type { ApiDependencies } from '../ports.js'
import { jsonRoute, type ApiRoute } from '../route.js'

const DAY_MS = 86_400_000
/** A key that lasts longer is one that nobody will remember. */
const VALID_DAYS_MAX = 366

/** Routes under /v1/service-keys. */
export const serviceKeyRoutes = (parts: ApiDependencies): readonly ApiRoute[] => [
  addRoute(parts),
  listRoute(parts),
  revokeRoute(parts),
]

const entitled = (parts: ApiDependencies, principal: Principal) =>
  requireDuty(parts.policy(), principal, 'apply', 'work on service keys')

const addRoute = (parts: ApiDependencies): ApiRoute =>
  jsonRoute({
    method: 'POST',
    path: '/v1/service-keys',
    operationId: 'addServiceKey',
    summary: 'Make a service key for one role on one resource; the key is shown once',
    refuses: ['NOT_ENTITLED'],
    params: nothing,
    query: nothing,
    body: z.strictObject({
      name,
      resource: name,
      role: name,
      validForMs: z
        .int()
        .min(60_000)
        .max(VALID_DAYS_MAX * DAY_MS),
    }),
    response: serviceKeyAdded,
    status: 201,
    handle: async ({ caller: { principal }, body }) => {
      const may = entitled(parts, principal)
      return may.ok ? await parts.serviceKeys.add(body, principalName(principal)) : may
    },
  })

const listRoute = (parts: ApiDependencies): ApiRoute =>
  jsonRoute({
    method: 'GET',
    path: '/v1/service-keys',
    operationId: 'listServiceKeys',
    summary: 'List service keys, or those not used for a time',
    refuses: ['NOT_ENTITLED'],
    params: nothing,
    query: z.strictObject({
      unusedForMs: z.coerce
        .number()
        .int()
        .min(0)
        .max(10 * VALID_DAYS_MAX * DAY_MS)
        .optional(),
    }),
    body: noBody,
    response: serviceKeyList,
    handle: async ({ caller: { principal }, query: { unusedForMs } }) => {
      const may = entitled(parts, principal)
      return may.ok ? granted({ keys: await parts.serviceKeys.list(unusedForMs) }) : may
    },
  })

const revokeRoute = (parts: ApiDependencies): ApiRoute =>
  jsonRoute({
    method: 'POST',
    path: '/v1/service-keys/:name/revocation',
    operationId: 'revokeServiceKey',
    summary: 'Revoke a service key and end what runs under it',
    refuses: ['NOT_ENTITLED', 'NOT_FOUND'],
    params: z.strictObject({ name }),
    query: nothing,
    body: nothing,
    response: serviceKeyRevoked,
    handle: async ({ caller: { principal }, params }) => {
      const may = entitled(parts, principal)
      if (!may.ok) return may
      const outcome = await parts.serviceKeys.revoke(params.name, principalName(principal))
      return outcome.ok ? granted({ name: params.name, ...outcome.value }) : outcome
    },
  })

// Ending grants at once. Only for those who have the duty, and with a receipt.

import { z } from 'zod'
import { receipt } from '../../../contract/answers.js'
import { refused, type Outcome } from '../../../core/errors.js'
import { principalName } from '../../../core/principal.js'
import { requireDuty } from '../entitlement.js'
import { name, nothing, principal, reason, requestId, reviewId } from '../fields.js'
import type { ApiDependencies, RevokeSelector } from '../ports.js'
import { jsonRoute, type ApiRoute } from '../route.js'

const body = z.strictObject({
  id: z.union([requestId, reviewId]).optional(),
  principal: principal.optional(),
  resource: name.optional(),
  reason,
})

/** The route /v1/revocations. */
export const revocationRoutes = (parts: ApiDependencies): readonly ApiRoute[] => [
  jsonRoute({
    method: 'POST',
    path: '/v1/revocations',
    operationId: 'revoke',
    summary: 'End grants at once, and withdraw what still waits',
    refuses: ['NOT_ENTITLED', 'NOT_FOUND'],
    params: nothing,
    query: nothing,
    body,
    response: receipt,
    handle: async ({ caller, body: wanted }) => {
      const entitled = requireDuty(parts.policy(), caller.principal, 'revoke', 'revoke grants')
      if (!entitled.ok) return entitled
      const selector = selectorOf(wanted)
      if (!selector.ok) return selector
      const by = principalName(caller.principal)
      return await parts.revoker.revoke(selector.value, by, wanted.reason)
    },
  }),
]

/** Exactly one of id, principal and resource. */
function selectorOf({ id, principal, resource }: z.output<typeof body>): Outcome<RevokeSelector> {
  const selectors: RevokeSelector[] = []
  if (id?.startsWith('req_') === true) selectors.push({ kind: 'request', id: `req_${id.slice(4)}` })
  else if (id !== undefined) selectors.push({ kind: 'review', id: `cmd_${id.slice(4)}` })
  if (principal !== undefined) selectors.push({ kind: 'principal', principal })
  if (resource !== undefined) selectors.push({ kind: 'resource', resource })
  const [value] = selectors
  return value !== undefined && selectors.length === 1
    ? { ok: true, value }
    : refused('INVALID_ARGUMENT', {
        what: 'The body',
        why: 'name exactly one of id, principal and resource',
      })
}

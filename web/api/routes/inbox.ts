// What waits for people, and their answers. It never judges an answer: the services do, the same for
// every door.

import { z } from 'zod'
import { decided } from '../../../contract/answers.js'
import { itemList, itemView } from '../../../contract/items.js'
import { granted, type Outcome } from '../../../core/errors.js'
import type { Decision } from '../../../core/decision.js'
import type { RequestId, ReviewId } from '../../../core/ids.js'
import { groupsOf } from '../../../policy/match.js'
import { maySee } from '../entitlement.js'
import { itemId, noBody, nothing, reason } from '../fields.js'
import { listCountMax } from '../limits.js'
import type { Openings } from '../openings.js'
import type { ApiDependencies } from '../ports.js'
import { jsonRoute, type ApiRoute } from '../route.js'
import { visibleItem } from '../visible-item.js'
import { viewOf } from '../views.js'

/** Routes under /v1/inbox and /v1/decisions. */
export function inboxRoutes(parts: ApiDependencies, openings: Openings): readonly ApiRoute[] {
  return [
    jsonRoute({
      method: 'GET',
      path: '/v1/inbox',
      operationId: 'listInbox',
      summary: 'List what waits or waited for people, newest first',
      refuses: [],
      params: nothing,
      query: z.strictObject({ state: z.enum(['pending', 'active']).optional() }),
      body: noBody,
      response: itemList,
      handle: async ({ caller, query: { state } }) => {
        const filter = { limitCount: listCountMax, ...(state === undefined ? {} : { state }) }
        const items = await parts.inbox.list(filter)
        const policy = parts.policy()
        const visible = items.filter((item) => maySee(policy, item, caller.principal))
        return granted({ items: visible.map(viewOf) })
      },
    }),
    jsonRoute({
      method: 'GET',
      path: '/v1/inbox/:id',
      operationId: 'showItem',
      summary: 'Read one request or held command',
      refuses: ['NOT_FOUND'],
      params: z.strictObject({ id: itemId }),
      query: nothing,
      body: noBody,
      response: itemView,
      handle: async ({ caller, params }) => {
        const item = await visibleItem(parts, openings, params.id, caller)
        return item.ok ? granted(viewOf(item.value)) : item
      },
    }),
    decideRoute(parts, openings),
  ]
}

const decideRoute = (parts: ApiDependencies, openings: Openings): ApiRoute =>
  jsonRoute({
    method: 'POST',
    path: '/v1/decisions',
    operationId: 'decide',
    summary: 'Approve or deny a request or a held command',
    refuses: [
      'NOT_FOUND',
      'NOT_ENTITLED',
      'SELF_APPROVAL',
      'ALREADY_DECIDED',
      'CONTROL_PLANE_UNAVAILABLE',
    ],
    params: nothing,
    query: nothing,
    body: z.strictObject({
      id: itemId,
      answer: z.enum(['approve', 'deny']),
      reason: reason.default(''),
      channel: z.enum(['cli', 'web']).default('web'),
    }),
    response: decided,
    handle: async ({ caller, body: { id, answer, reason, channel } }) => {
      const item = await visibleItem(parts, openings, id, caller)
      if (!item.ok) return item
      const state = await decide(parts, id, {
        answer,
        approver: caller.principal,
        memberOf: groupsOf(parts.policy(), caller.principal),
        reason,
        channel,
        at: parts.clock.now(),
      })
      return state.ok ? granted({ id, state: state.value }) : state
    },
  })

const isReview = (id: RequestId | ReviewId): id is ReviewId => id.startsWith('cmd_')

const decide = (
  { access, reviews }: ApiDependencies,
  id: RequestId | ReviewId,
  decision: Decision,
): Promise<Outcome<'pending' | 'approved' | 'denied'>> =>
  isReview(id) ? reviews.decide(id, decision) : access.decide(id, decision)

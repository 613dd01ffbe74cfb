// What waits for people, and their answers. It never judges an answer: the services do, the same for
// every door.

import { z } from 'zod'
import { closed, decided } from '../../../contract/answers.js'
import { itemList, itemView } from '../../../contract/items.js'
import { granted, type Outcome } from '../../../core/errors.js'
import type { Decision } from '../../../core/decision.js'
import type { RequestId, ReviewId } from '../../../core/ids.js'
import type { InboxItem } from '../../../core/inbox.js'
import type { Authenticated } from '../../../core/ports.js'
import { groupsOf } from '../../../policy/match.js'
import { maySee } from '../entitlement.js'
import { itemId, noBody, nothing, reason, requestId, time } from '../fields.js'
import { scannedCountMax } from '../limits.js'
import { pageFields, placeOf, placeText } from '../page.js'
import type { ApiDependencies } from '../ports.js'
import { jsonRoute, type ApiRoute } from '../route.js'
import { visibleItem } from '../visible-item.js'
import { viewOf } from '../views.js'

/** Routes under /v1/inbox and /v1/decisions, and the closure of a request. */
export function inboxRoutes(parts: ApiDependencies): readonly ApiRoute[] {
  return [
    jsonRoute({
      method: 'GET',
      path: '/v1/inbox',
      operationId: 'listInbox',
      summary: 'List what waits or waited for people, newest first',
      refuses: [],
      params: nothing,
      query: z.strictObject({ state: z.enum(['pending', 'active']).optional(), ...pageFields }),
      body: noBody,
      response: itemList,
      handle: async ({ caller, query }) => await visiblePage(parts, caller, query),
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
        const item = await visibleItem(parts, params.id, caller)
        return item.ok ? granted(viewOf(item.value)) : item
      },
    }),
    decideRoute(parts),
    closureRoute(parts),
  ]
}

const place = z.tuple([time, itemId])

/** A page of what the caller may see; it may be short, only a missing `next` says that it is the last. */
async function visiblePage(
  parts: ApiDependencies,
  caller: Authenticated,
  query: {
    readonly state?: 'pending' | 'active' | undefined
    readonly limit: number
    readonly before?: string | undefined
  },
): Promise<Outcome<z.input<typeof itemList>>> {
  const { state, limit } = query
  const begin = query.before === undefined ? granted(undefined) : placeOf(place, query.before)
  if (!begin.ok) return begin
  const policy = parts.policy()
  const items: InboxItem[] = []
  let before = begin.value && { openedAt: begin.value[0], id: begin.value[1] }
  for (let scanned = 0; scanned < scannedCountMax; scanned += limit) {
    const some = await parts.inbox.list({ state, before, limitCount: limit })
    for (const item of some) {
      before = { openedAt: item.openedAt, id: item.id }
      if (maySee(policy, item, caller.principal)) items.push(item)
      if (items.length === limit) break
    }
    if (some.length < limit && items.length < limit) return granted({ items: items.map(viewOf) })
    if (items.length === limit) break
  }
  const next = before && placeText([before.openedAt, before.id])
  return granted({ items: items.map(viewOf), next })
}

const decideRoute = (parts: ApiDependencies): ApiRoute =>
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
      const item = await visibleItem(parts, id, caller)
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

const closureRoute = (parts: ApiDependencies): ApiRoute =>
  jsonRoute({
    method: 'POST',
    path: '/v1/requests/:id/closure',
    operationId: 'closeReview',
    summary: 'Close the review of a break-glass grant that is over',
    refuses: [
      'NOT_FOUND',
      'NOT_ENTITLED',
      'SELF_APPROVAL',
      'REASON_REQUIRED',
      'ALREADY_DECIDED',
      'CONTROL_PLANE_UNAVAILABLE',
    ],
    params: z.strictObject({ id: requestId }),
    query: nothing,
    body: z.strictObject({
      finding: z.enum(['justified', 'unjustified']),
      reason,
      channel: z.enum(['cli', 'web']).default('web'),
    }),
    response: closed,
    handle: async ({ caller, params: { id }, body }) => {
      const item = await visibleItem(parts, id, caller)
      if (!item.ok) return item
      const done = await parts.access.review(id, {
        ...body,
        reviewer: caller.principal,
        memberOf: groupsOf(parts.policy(), caller.principal),
        at: parts.clock.now(),
      })
      return done.ok ? granted({ id, state: 'ended' as const }) : done
    },
  })

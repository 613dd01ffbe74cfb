// Asking for access, waiting for it, and giving it back. The requester's side; nobody decides here.

import { z } from 'zod'
import { completed, extended, opened } from '../../../contract/answers.js'
import { itemView } from '../../../contract/items.js'
import { granted, refused, type Outcome } from '../../../core/errors.js'
import type { RequestId } from '../../../core/ids.js'
import type { InboxItem } from '../../../core/inbox.js'
import type { Plan } from '../../../core/plan.js'
import type { Authenticated } from '../../../core/ports.js'
import { isSameJob, mayExtend } from '../entitlement.js'
import { duration, itemId, name, nothing, reason, requestId, waitS, noBody } from '../fields.js'
import { pendingCountMax, planBodyBytesMax, planLengthMax } from '../limits.js'
import type { ApiDependencies } from '../ports.js'
import { jsonRoute, type ApiRoute } from '../route.js'
import { visibleItem, waitForItem } from '../visible-item.js'
import { viewOf } from '../views.js'

const openBody = z.strictObject({
  resource: name,
  role: name,
  reason: reason.default(''),
  durationMs: duration.optional(),
  origin: z.enum(['request', 'exec']).default('request'),
  plan: z.string().max(planLengthMax).optional().describe('Statements to be approved together.'),
  breakGlass: z.boolean().default(false),
})

/** What asking for access may come to at once. */
const OPENING_REFUSES = [
  'FORBIDDEN',
  'REASON_REQUIRED',
  'STATEMENT_INVALID',
  'REQUEST_DENIED',
  'REQUEST_EXPIRED',
  'REQUEST_WITHDRAWN',
  'GRANT_EXPIRED',
  'GRANT_REVOKED',
  'CONTROL_PLANE_UNAVAILABLE',
] as const

/** The statements of a plan; undefined when none came with the request. */
const planOf = (
  { plans }: ApiDependencies,
  text: string | undefined,
): Promise<Outcome<Plan | undefined>> =>
  text === undefined ? Promise.resolve(granted(undefined)) : plans.read(text)

/** Routes under /v1/requests, and /v1/extensions. */
export function requestRoutes(parts: ApiDependencies): readonly ApiRoute[] {
  return [
    jsonRoute({
      method: 'POST',
      path: '/v1/requests',
      operationId: 'openRequest',
      summary: 'Ask for access to a resource',
      refuses: OPENING_REFUSES,
      params: nothing,
      query: nothing,
      body: openBody,
      bodyBytesMax: planBodyBytesMax,
      status: 201,
      response: opened,
      handle: async ({ caller, body, peer }) => {
        const full = await objection(parts, caller)
        if (full !== undefined) return refused('LIMIT_EXCEEDED', { why: full })
        const id = parts.newRequestId()
        const { principal, principalKey, tokenDigest, tokenId } = caller
        const who = { principal, principalKey, tokenDigest, tokenId }
        const { plan: text, ...wish } = body
        const read = await planOf(parts, text)
        if (!read.ok) return read
        const plan = read.value
        const begun = await parts.access.begin({ requestId: id, ...who, ...wish, plan, peer })
        if (begun.ok) return granted({ id, state: begun.value })
        const { code, details } = begun.refusal
        return refused(code, { id, ...details })
      },
    }),
    jsonRoute({
      method: 'GET',
      path: '/v1/requests/:id',
      operationId: 'showRequest',
      summary: 'Read a request',
      refuses: ['NOT_FOUND'],
      params: z.strictObject({ id: requestId }),
      query: nothing,
      body: noBody,
      response: itemView,
      handle: async ({ caller, params }) => {
        const item = await visibleItem(parts, params.id, caller)
        return item.ok ? granted(viewOf(item.value)) : item
      },
    }),
    jsonRoute({
      method: 'GET',
      path: '/v1/requests/:id/decision',
      operationId: 'awaitDecision',
      summary: 'Wait until a request or a held command is decided, and read it then',
      refuses: ['NOT_FOUND'],
      params: z.strictObject({ id: itemId }),
      query: z.strictObject({ waitS }),
      body: noBody,
      response: itemView,
      handle: async ({ caller, params, query, signal }) => {
        const wait = { waitMs: query.waitS * 1000, signal }
        const item = await waitForItem(parts, params.id, caller, wait)
        return item.ok ? granted(viewOf(item.value)) : item
      },
    }),
    completeRoute(parts),
    extendRoute(parts),
  ]
}

/** Over all replicas; requests that are made at the same moment may each slip in. */
async function objection(
  { inbox }: ApiDependencies,
  { principalKey }: Authenticated,
): Promise<string | undefined> {
  const filter = { state: 'pending', principalKey, limitCount: pendingCountMax } as const
  const waiting = await inbox.list(filter)
  return waiting.length < pendingCountMax ? undefined : 'you have too many open requests'
}

const completeRoute = (parts: ApiDependencies): ApiRoute =>
  jsonRoute({
    method: 'POST',
    path: '/v1/requests/:id/complete',
    operationId: 'completeRequest',
    summary: 'Give access back, or withdraw the request for it',
    refuses: ['NOT_FOUND', 'NOT_ENTITLED', 'CONTROL_PLANE_UNAVAILABLE'],
    params: z.strictObject({ id: requestId }),
    query: nothing,
    body: z.union([nothing, noBody]),
    response: completed,
    handle: async ({ caller, params: { id } }) => {
      const item = await visibleItem(parts, id, caller)
      if (!item.ok) return item
      if (item.value.kind !== 'access' || !isSameJob(item.value, caller))
        return refused('NOT_ENTITLED', { what: 'complete the request of another job', id })
      const done = await giveBack(parts, item.value, id)
      return done.ok ? granted({ id }) : done
    },
  })

/** A grant is completed; a request that is still waiting is withdrawn. */
const giveBack = (
  parts: ApiDependencies,
  item: InboxItem,
  id: RequestId,
): Promise<Outcome<null>> =>
  item.state === 'pending' || item.state === 'verifying'
    ? parts.access.withdraw(id, 'the requester no longer waits')
    : parts.access.complete(id)

const extendRoute = (parts: ApiDependencies): ApiRoute =>
  jsonRoute({
    method: 'POST',
    path: '/v1/extensions',
    operationId: 'extendGrant',
    summary: 'Let a grant last longer',
    refuses: [
      'NOT_FOUND',
      'NOT_ENTITLED',
      'SELF_APPROVAL',
      'GRANT_EXPIRED',
      'GRANT_REVOKED',
      'CONTROL_PLANE_UNAVAILABLE',
    ],
    params: nothing,
    query: nothing,
    body: z.strictObject({ id: requestId, byMs: duration }),
    response: extended,
    handle: async ({ caller, body: { id, byMs } }) => {
      const entitled = await entitledToExtend(parts, id, caller)
      if (!entitled.ok) return entitled
      const end = await parts.access.extend(id, byMs, nameOf(caller))
      return end.ok ? granted({ id, expiresAt: end.value.expiresAt }) : end
    },
  })

async function entitledToExtend(
  parts: ApiDependencies,
  id: RequestId,
  caller: Authenticated,
): Promise<Outcome<null>> {
  const item = await visibleItem(parts, id, caller)
  if (!item.ok) return item
  if (item.value.kind !== 'access') return refused('NOT_FOUND', { what: `request ${id}`, id })
  return mayExtend(parts.policy(), item.value, caller)
}

const nameOf = ({ principal: { issuer, subject } }: Authenticated): string => `${issuer}/${subject}`

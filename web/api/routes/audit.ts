// The log, for auditors only: read, export, verify, anchor, replay. It never writes to it.

import { z } from 'zod'
import {
  auditKeys,
  auditPage,
  auditReport,
  checkpoint,
  exportLine,
} from '../../../contract/audit.js'
import { replayLine } from '../../../contract/replay.js'
import { granted, refused, type Outcome } from '../../../core/errors.js'
import type { Authenticated } from '../../../core/ports.js'
import { principalName } from '../../../core/principal.js'
import { requireDuty } from '../entitlement.js'
import {
  name,
  noBody,
  nothing,
  principal,
  requestId,
  reviewId,
  sessionId,
  time,
} from '../fields.js'
import { pageFields } from '../page.js'
import type { ApiDependencies } from '../ports.js'
import { jsonRoute, linesRoute, type ApiRoute } from '../route.js'

const filterFields = {
  kind: z
    .string()
    .regex(/^[a-z-]+\.[a-z-]+$/, 'must be a kind of event, such as grant.opened')
    .optional(),
  principal: principal.optional(),
  resource: name.optional(),
  requestId: requestId.optional(),
  reviewId: reviewId.optional(),
  sessionId: sessionId.optional(),
  from: time.optional(),
  to: time.optional(),
}
const pageQuery = z.strictObject({
  ...filterFields,
  ...pageFields,
})

const filterOf = ({ kind, ...rest }: z.output<z.ZodObject<typeof filterFields>>) => ({
  ...rest,
  kinds: kind === undefined ? undefined : [kind],
})

/** Routes under /v1/audit, and the replay of a session. */
export function auditRoutes(parts: ApiDependencies): readonly ApiRoute[] {
  const auditor = ({ principal: who }: Authenticated): Outcome<null> =>
    requireDuty(parts.policy(), who, 'audit', 'read the audit log')
  return [
    jsonRoute({
      method: 'GET',
      path: '/v1/audit',
      operationId: 'queryAudit',
      summary: 'Read audit records, newest first',
      refuses: ['NOT_ENTITLED', 'RECORD_UNAVAILABLE'],
      params: nothing,
      query: pageQuery,
      body: noBody,
      response: auditPage,
      handle: async ({ caller, query: { limit: limitCount, before, ...filter } }) => {
        const entitled = auditor(caller)
        if (!entitled.ok) return entitled
        return await parts.audit.query(filterOf(filter), { limitCount, before })
      },
    }),
    linesRoute({
      method: 'GET',
      path: '/v1/audit/export',
      operationId: 'exportAudit',
      summary: 'Stream the whole audit log as JSON Lines',
      refuses: ['NOT_ENTITLED', 'RECORD_UNAVAILABLE'],
      params: nothing,
      query: nothing,
      body: noBody,
      line: exportLine,
      handle: ({ caller }) => {
        const entitled = auditor(caller)
        return Promise.resolve(entitled.ok ? granted({ lines: parts.audit.export() }) : entitled)
      },
    }),
    verifyRoute(parts, auditor),
    anchorRoute(parts, auditor),
    keysRoute(parts, auditor),
    replayRoute(parts, auditor),
  ]
}

type Auditor = (caller: Authenticated) => Outcome<null>

const verifyRoute = (parts: ApiDependencies, auditor: Auditor): ApiRoute =>
  jsonRoute({
    method: 'GET',
    path: '/v1/audit/verify',
    operationId: 'verifyAudit',
    summary: 'Verify the whole audit log',
    refuses: ['NOT_ENTITLED', 'RECORD_UNAVAILABLE'],
    params: nothing,
    query: nothing,
    body: noBody,
    response: auditReport,
    handle: async ({ caller }) => {
      const entitled = auditor(caller)
      return entitled.ok ? granted(await parts.audit.verify()) : entitled
    },
  })

const anchorRoute = (parts: ApiDependencies, auditor: Auditor): ApiRoute =>
  jsonRoute({
    method: 'GET',
    path: '/v1/audit/anchor',
    operationId: 'anchorAudit',
    summary: 'Read the newest signed checkpoint, to be kept elsewhere',
    refuses: ['NOT_ENTITLED', 'NOT_FOUND', 'RECORD_UNAVAILABLE'],
    params: nothing,
    query: nothing,
    body: noBody,
    response: checkpoint,
    handle: async ({ caller }) => {
      const entitled = auditor(caller)
      if (!entitled.ok) return entitled
      const newest = await parts.audit.anchor()
      return newest === undefined
        ? refused('NOT_FOUND', { what: 'checkpoint yet' })
        : granted(newest)
    },
  })

const keysRoute = (parts: ApiDependencies, auditor: Auditor): ApiRoute =>
  jsonRoute({
    method: 'GET',
    path: '/v1/audit/keys',
    operationId: 'auditKeys',
    summary: 'Read the public keys that the log is signed with, oldest first',
    refuses: ['NOT_ENTITLED'],
    params: nothing,
    query: nothing,
    body: noBody,
    response: auditKeys,
    handle: ({ caller }) => {
      const entitled = auditor(caller)
      return Promise.resolve(entitled.ok ? granted({ keys: parts.audit.keys() }) : entitled)
    },
  })

const replayRoute = (parts: ApiDependencies, auditor: Auditor): ApiRoute =>
  linesRoute({
    method: 'GET',
    path: '/v1/sessions/:id/replay',
    operationId: 'replaySession',
    summary: 'Stream what happened in a session as JSON Lines',
    refuses: ['NOT_ENTITLED', 'NOT_FOUND', 'RECORD_UNAVAILABLE'],
    params: z.strictObject({ id: sessionId }),
    query: nothing,
    body: noBody,
    line: replayLine,
    handle: async ({ caller, params: { id } }) => {
      const entitled = auditor(caller)
      if (!entitled.ok) return entitled
      const lines = await parts.replays.replay(id, principalName(caller.principal))
      return lines === undefined
        ? refused('NOT_FOUND', { what: `session ${id}`, id })
        : granted({ lines })
    },
  })

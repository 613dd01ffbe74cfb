// Which part of this process is down: for on-call and auditors. Everybody else learns only whether it
// is ready; an address on loopback proves nothing behind a balancer.

import { readiness } from '../../../contract/answers.js'
import { granted, refused } from '../../../core/errors.js'
import { may } from '../../../policy/match.js'
import { noBody, nothing } from '../fields.js'
import type { ApiDependencies } from '../ports.js'
import { jsonRoute, type ApiRoute } from '../route.js'

/** The route /v1/readiness. */
export const readinessRoutes = (parts: ApiDependencies): readonly ApiRoute[] => [
  jsonRoute({
    method: 'GET',
    path: '/v1/readiness',
    operationId: 'showReadiness',
    summary: 'Read which part of the answering process is down',
    refuses: ['NOT_ENTITLED'],
    params: nothing,
    query: nothing,
    body: noBody,
    response: readiness,
    handle: async ({ caller: { principal } }) => {
      const policy = parts.policy()
      if (!may(policy, principal, 'revoke') && !may(policy, principal, 'audit'))
        return refused('NOT_ENTITLED', {
          what: 'read which part is down',
          why: 'your groups have neither the duty revoke nor audit',
        })
      return granted(await parts.readiness())
    },
  }),
]

// What the gateway makes of a token, and where it listens. Everybody may ask about himself.

import { gateway, whoami } from '../../../contract/answers.js'
import { granted } from '../../../core/errors.js'
import { principalChain, principalName } from '../../../core/principal.js'
import { groupsOf, may } from '../../../policy/match.js'
import type { Duty } from '../../../policy/policy.js'
import { noBody, nothing } from '../fields.js'
import type { ApiDependencies } from '../ports.js'
import { jsonRoute, type ApiRoute } from '../route.js'

const DUTIES: readonly Duty[] = ['revoke', 'apply', 'audit']

/** Routes /v1/whoami and /v1/gateway. */
export const whoamiRoutes = (parts: ApiDependencies): readonly ApiRoute[] => [
  jsonRoute({
    method: 'GET',
    path: '/v1/whoami',
    operationId: 'whoami',
    summary: 'Read what the gateway makes of the token of this call',
    refuses: [],
    params: nothing,
    query: nothing,
    body: noBody,
    response: whoami,
    handle: ({ caller: { principal } }) => {
      const policy = parts.policy()
      return Promise.resolve(
        granted({
          ...principal,
          attributes: { ...principal.attributes },
          principal: principalName(principal),
          chain: principalChain(principal),
          approverGroups: groupsOf(policy, principal),
          duties: DUTIES.filter((duty) => may(policy, principal, duty)),
        }),
      )
    },
  }),
  jsonRoute({
    method: 'GET',
    path: '/v1/gateway',
    operationId: 'locateGateway',
    summary: 'Read where the gateway listens',
    refuses: [],
    params: nothing,
    query: nothing,
    body: noBody,
    response: gateway,
    handle: () => Promise.resolve(granted(parts.gateway())),
  }),
]

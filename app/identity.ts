// Who callers may be: tokens of the policy's issuers and, where the policy allows them, service keys.

import type { Identity } from '../core/ports.js'
import { SERVICE_KEY_ISSUER, type ServiceKey } from '../core/service-key.js'
import { OidcIdentity } from '../identity/oidc.js'
import { ServiceKeyIdentity } from '../identity/service-key.js'
import type { Foundation, ProcessOptions } from './foundation.js'

/** The identity port of a gateway; it follows the policy. */
export function openIdentity(
  { report }: Pick<ProcessOptions, 'report'>,
  foundation: Foundation,
): Identity {
  const { clock, audit, policies } = foundation
  const tokens = new OidcIdentity([], {
    clock,
    onKeyTrouble: (issuer, trouble, level) => report(`${level}: keys of issuer ${issuer}`, trouble),
    bindings: foundation.tokens,
  })
  foundation.followPolicy((policy) => tokens.configure([...policy.issuers.values()]))
  return new ServiceKeyIdentity({
    ...{ keys: foundation.serviceKeys, tokens, clock },
    accepts: () => policies.policy.acceptsServiceKeys,
    // Static keys are to be replaced: each use is on the log, and said aloud.
    onUse: ({ name, resource, role, expiresAt }: ServiceKey, peer) => {
      const principal = `${SERVICE_KEY_ISSUER}/${name}`
      const fields = { name, principal, resource, role, expiresAt, peer: peer ?? '' }
      audit.append({ kind: 'servicekey.used', fields })
      report('warning: a static service key was used', { name, resource, role, peer })
    },
  })
}

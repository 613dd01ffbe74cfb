// What the store's tests are made of. Values only.

import { randomBytes } from 'node:crypto'
import type { Grant } from '../../../core/grant.js'
import { grantIdOf, type RequestId } from '../../../core/ids.js'
import type { Clock } from '../../../core/ports.js'
import type { Principal } from '../../../core/principal.js'

/** A principal with something secret in its attributes. */
export const PRINCIPAL: Principal = {
  issuer: 'github',
  subject: 'repo:acme/orders',
  groups: [],
  attributes: { environment: 'production', secret_claim: 'very-secret-claim' },
  actors: [],
  parties: ['github/alice'],
  aliases: ['github/repo:acme/orders'],
  tokenExpiresAt: 1_900_000_000_000,
}

let requests = 0

/** A request id that was not used before. */
export const newRequestId = (): RequestId => {
  requests += 1
  return `req_${String(requests).padStart(6, '0')}${randomBytes(4).toString('hex')}`
}

/** A clock that stands still until it is moved. */
export class StandingClock implements Clock {
  nowMs = 1_800_000_000_000
  monotonic = 0

  now(): number {
    return this.nowMs
  }

  monotonicMs(): number {
    return this.monotonic
  }
}

/** A live grant of PRINCIPAL that ends an hour after the standing clock's start. */
export function newGrant(changes: Partial<Grant> = {}): Grant {
  const requestId = changes.requestId ?? newRequestId()
  return {
    id: grantIdOf(requestId),
    requestId,
    principal: PRINCIPAL,
    principalKey: 'key-of-orders',
    resource: 'orders-db',
    role: 'migrator',
    origin: 'exec',
    reason: 'because of a very-secret-reason',
    policyDigest: 'digest-1',
    openedAt: 1_800_000_000_000,
    expiresAt: 1_800_003_600_000,
    epoch: 1,
    ...changes,
  }
}

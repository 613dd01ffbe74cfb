// The time-boxed right: principal × resource × role. The store's row is what gateways enforce.

import type { GrantId, RequestId } from './ids.js'
import type { Principal } from './principal.js'

/** How a grant came to be: it decides when it ends by itself. */
export type GrantOrigin =
  /** `warder exec`: ends with `complete`. */
  | 'exec'
  /** `warder request`: ends at its time. */
  | 'request'
  /** Opened just by connecting: ends a minute after its last connection closed. */
  | 'connect'

/** Why a grant is over. A closed list; the first reason stays. */
export type GrantEnd = 'expired' | 'revoked' | 'completed' | 'idle'

/** A running grant, as the store holds it. */
export interface Grant {
  readonly id: GrantId
  readonly requestId: RequestId
  readonly principal: Principal
  /** Digest that tells this principal, with its attributes and parties, from any other. */
  readonly principalKey: string
  readonly resource: string
  readonly role: string
  readonly origin: GrantOrigin
  readonly reason: string
  /** Digest of the policy under which access was judged. */
  readonly policyDigest: string
  /** Epoch ms. */
  readonly openedAt: number
  /** Epoch ms. Only the workflow moves it, and only up to its maximum. */
  readonly expiresAt: number
  /** Grows with every end or extension; a gateway holding an older number re-reads the row. */
  readonly epoch: number
  /** Opened in an emergency: what becomes of commands that would wait for people. */
  readonly breakGlass?: 'ask' | 'allow' | undefined
  readonly end?: { readonly reason: GrantEnd; readonly by: string; readonly at: number } | undefined
}

/** True while the grant may carry traffic. Time is the caller's, so that this stays pure. */
export const isLive = (grant: Grant, nowMs: number): boolean =>
  grant.end === undefined && nowMs < grant.expiresAt

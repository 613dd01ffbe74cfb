// One conversation under one grant, and the closed list of reasons why it ends.

import type { GatewayId, GrantId, SessionId } from './ids.js'
import type { Protocol } from './resource.js'

/** Why a session is over; the first reason stays. */
export type SessionEnd =
  | 'closed-by-caller'
  | 'closed-by-target'
  | 'grant-expired'
  | 'grant-revoked'
  | 'grant-completed'
  | 'idle'
  | 'limit-exceeded'
  | 'protocol-violation'
  | 'target-unreachable'
  | 'control-plane-lost'
  | 'record-lost'
  | 'result-withheld'
  | 'gateway-stopped'
  | 'gateway-lost'
  | 'internal'

/** A session as the registry holds it. */
export interface Session {
  readonly id: SessionId
  readonly grantId: GrantId
  readonly gatewayId: GatewayId
  readonly protocol: Protocol
  /** Address and port of the caller's socket. */
  readonly peer: string
  /** Epoch ms. */
  readonly openedAt: number
}

// The two questions that workflows answer: may this caller have access, may this command run.

import type { GrantOrigin } from './grant.js'
import type { GatewayId, GrantId, RequestId, ReviewId, SessionId } from './ids.js'
import type { Plan } from './plan.js'
import type { Principal } from './principal.js'
import type { CommandPart, Effect } from './command.js'
import type { Protocol } from './resource.js'
import type { Approval, Reason } from './verdict.js'

/** A wish for access: principal × resource × role, for a while, for a reason. */
export interface AccessQuestion {
  readonly requestId: RequestId
  readonly principal: Principal
  readonly principalKey: string
  /** SHA-256 of the presented token (hex); the token itself never leaves the process. */
  readonly tokenDigest: string
  /** `jti` of the presented token, if it had one. */
  readonly tokenId?: string | undefined
  readonly resource: string
  readonly role: string
  readonly origin: GrantOrigin
  readonly reason: string
  /** It opens at once, and is reviewed afterwards. */
  readonly breakGlass?: boolean | undefined
  /** Wanted length in ms; the rule's own when absent. */
  readonly durationMs?: number | undefined
  /** Statements that are to be approved together with the access. */
  readonly plan?: Plan | undefined
  /** Where it came from, for the card: address and port. */
  readonly peer: string
}

/** One command that waits for a person. Everything a card shows, and what its decision is bound to. */
export interface ReviewQuestion {
  readonly reviewId: ReviewId
  readonly requestId: RequestId
  readonly grantId: GrantId
  readonly sessionId: SessionId
  readonly gatewayId: GatewayId
  readonly principal: Principal
  readonly protocol: Protocol
  readonly resource: string
  readonly role: string
  readonly effect: Effect
  readonly parts: readonly CommandPart[]
  /** What will run, as people read it; at most `reviewTextBytesMax`, `textBytes` says how long it is. */
  readonly text: string
  readonly textBytes: number
  /** Bind values as people read them, in order. */
  readonly parameters: readonly string[]
  /** SHA-256 (hex) over everything the decision is bound to: see core/binding.ts. */
  readonly digest: string
  readonly policyDigest: string
  readonly reasons: readonly Reason[]
  readonly approval: Approval
}

/** How a review ended. Only `approved` lets the command through, once. */
export interface ReviewOutcome {
  readonly state: 'approved' | 'denied' | 'expired' | 'withdrawn'
  /** The digest that was decided about; the gateway compares it before it forwards. */
  readonly digest: string
  readonly by: readonly string[]
  readonly reason: string
}

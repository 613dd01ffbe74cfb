// What workflows ask of the outside. Declared here, so that activities depend on workflows and no
// Node type can reach the sandbox. Types only.

import type { AuditEvent } from '../core/audit.js'
import type { Outcome } from '../core/errors.js'
import type { Grant } from '../core/grant.js'
import type { GatewayId, GrantId, RequestId } from '../core/ids.js'
import type { InboxItem } from '../core/inbox.js'
import type { Plan } from '../core/plan.js'
import type { AccessQuestion } from '../core/question.js'
import type { AccessVerdict } from '../core/verdict.js'

/** What policy said, and which policy it was. */
export interface AccessJudgement {
  readonly verdict: AccessVerdict
  readonly policyDigest: string
}

/** A grant's row and the traffic under it, as the workflow looks at them now and then. */
export interface GrantSight {
  /** Set when somebody ended the row. */
  readonly end: NonNullable<Grant['end']> | null
  /**
   * Conversations that are open under it on all gateways, and commands that may be run again: people
   * are still asked about them, or have agreed.
   */
  readonly openCount: number
}

/** Each may run more than once for one call, with the same result. */
export interface Activities {
  /** The lasting part of verification: refuses a token that somebody else has used up. */
  verifyAccess(question: AccessQuestion): Promise<Outcome<null>>
  /** Judges the wish under the policy in force, at this epoch ms. */
  judgeAccess(question: AccessQuestion, at: number): Promise<AccessJudgement>
  /**
   * Appends the facts, waits until they are durable, lets whoever runs the command again know (in
   * retry mode), then shows the item to people.
   */
  record(item: InboxItem, facts: readonly AuditEvent[]): Promise<void>
  /** Stores the plan that was approved with it, if any, and the row; returns the row as it is now. */
  openGrant(grant: Grant, plan?: Plan): Promise<Grant>
  /** Null when the grant has ended. */
  extendGrant(id: GrantId, expiresAt: number): Promise<Grant | null>
  /** Ends the row; returns the end that stays. */
  endGrant(id: GrantId, end: NonNullable<Grant['end']>): Promise<NonNullable<Grant['end']>>
  inspectGrant(id: GrantId): Promise<GrantSight>
  /** Remembers that the review of a break-glass grant is owed; before the grant is opened. */
  oweReview(id: RequestId, principal: string, dueAt: number): Promise<void>
  /** The review is closed. */
  settleReview(id: RequestId, at: number): Promise<void>
  /** Gives the reservation of a `connect` request back. */
  releaseRequest(id: RequestId): Promise<void>
  isGatewayAlive(id: GatewayId): Promise<boolean>
}

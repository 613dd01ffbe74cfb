// Turns what the policy file says of an approval into whom is asked, how long, and who comes next. It
// trusts the document and checks nothing.

import type { Approval } from '../core/verdict.js'
import { durationMs } from './duration.js'
import type { PolicyDocument } from './schema.js'

/** The fields of an approval, as every place in the file that asks people states them. */
export interface ApprovalFields {
  readonly approvers: string
  readonly quorum: number
  readonly timeout: string
  readonly reason: 'required' | 'optional'
  /** Only where commands are asked about. */
  readonly wait?: Approval['wait']
}

/** Whom to ask, with the escalation of their group. */
export function approvalOf(
  { approvers, quorum, timeout, reason, wait }: ApprovalFields,
  groups: PolicyDocument['approvers'],
): Approval {
  const escalate = Object.hasOwn(groups, approvers) ? groups[approvers]?.escalate : undefined
  return {
    ...{ approvers, quorum, timeoutMs: durationMs(timeout) },
    ...(reason === 'required' && { reasonRequired: true }),
    ...(wait === 'retry' && { wait }),
    ...(escalate !== undefined && {
      escalation: { to: escalate.to, afterMs: durationMs(escalate.after) },
    }),
  }
}
